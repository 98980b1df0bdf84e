/// One configuration key of topics.
package struct TopicConfig: Hashable, Sendable {
    /// What a value must look like.
    package enum Kind: Hashable, Sendable {
        case boolean
        case int(ClosedRange<Int32>)
        case long(ClosedRange<Int64>)
        case double(ClosedRange<Double>)
        /// One of these, in lower case on the way in or as written here.
        case choice([String])
        /// A list of these, separated by commas.
        case list(of: [String])
        /// `*`, or a list of partition:broker, separated by commas.
        case replicaList
        case text

        /// Kafka's number of the type in DescribeConfigs.
        package var wireType: Int8 {
            switch self {
            case .boolean: 1
            case .choice, .text: 2
            case .int: 3
            case .long: 5
            case .double: 6
            case .list, .replicaList: 7
            }
        }
    }

    package let name: String
    package let kind: Kind
    package let defaultValue: String
    /// The broker's key that sets the default; nil where there is none.
    package let brokerKey: String?
    /// One sentence for who describes the configuration.
    package let meaning: String

    init(_ name: String, _ kind: Kind, _ defaultValue: String, broker: String?, _ meaning: String) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        brokerKey = broker
        self.meaning = meaning
    }

    /// What is wrong with a value; nil if it is valid.
    package func complaint(about value: String) -> String? {
        let text = value.trimmed
        switch kind {
        case .boolean:
            return ["true", "false"].contains(text.lowercased())
                ? nil : wrong(value, "Expected value to be either true or false")
        case .int(let range):
            guard let number = Int32(text) else { return wrong(value, "Not a number of type INT") }
            return outside(range.lowerBound, range.upperBound, number, value)
        case .long(let range):
            guard let number = Int64(text) else { return wrong(value, "Not a number of type LONG") }
            return outside(range.lowerBound, range.upperBound, number, value)
        case .double(let range):
            guard let number = Double(text) else { return wrong(value, "Not a number of type DOUBLE") }
            return outside(range.lowerBound, range.upperBound, number, value)
        case .choice(let choices):
            return choices.contains(text)
                ? nil : wrong(value, "String must be one of: \(choices.joined(separator: ", "))")
        case .list(let choices):
            let items = ConfigList.items(text)
            if items.contains(where: { !choices.contains($0) }) {
                return wrong(value, "String must be one of: \(choices.joined(separator: ", "))")
            }
            return Set(items).count == items.count
                ? nil : "Configuration '\(name)' values must not be duplicated."
        case .replicaList:
            if text == "*" || ConfigList.items(text).allSatisfy(TopicConfig.isReplica) { return nil }
            return wrong(
                value,
                "\(name) must be the literal '*' or a list of replicas in the following format: "
                    + "[partitionId]:[brokerId],[partitionId]:[brokerId],...")
        case .text:
            return nil
        }
    }

    private static func isReplica(_ item: String) -> Bool {
        let parts = item.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { Int32($0).map { $0 >= 0 } ?? false }
    }

    private func outside<Number: Comparable>(
        _ least: Number, _ greatest: Number, _ number: Number, _ value: String
    ) -> String? {
        if number < least { return wrong(value, "Value must be at least \(least)") }
        if number > greatest { return wrong(value, "Value must be no more than \(greatest)") }
        return nil
    }

    private func wrong(_ value: String, _ reason: String) -> String {
        "Invalid value \(value) for configuration \(name): \(reason)"
    }
}

extension StringProtocol {
    var trimmed: String {
        let start = drop { $0 == " " || $0 == "\t" }
        let kept = start.reversed().drop { $0 == " " || $0 == "\t" }
        return String(kept.reversed())
    }
}
