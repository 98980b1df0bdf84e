/// One key of a node's configuration: its type, its default, what it does, and whether it can change at run time.
package struct Setting: Hashable, Sendable {
    /// What a value must look like.
    package enum Kind: Hashable, Sendable {
        case string
        case boolean
        case integer(ClosedRange<Int64>)
        case double(ClosedRange<Double>)
        case list
        /// One of these words.
        case choice([String])
        /// The name of a Java class, which this server can't load.
        case className
        /// Never shown.
        case password
    }

    /// Where a key may be set at run time.
    package enum Change: Hashable, Sendable {
        /// In the properties only.
        case readOnly
        /// For one broker.
        case perBroker
        /// For all brokers, or for one.
        case clusterWide
        /// For all brokers; a value for one broker would not mean anything.
        case clusterOnly
    }

    /// What becomes of a key that is given.
    package enum Effect: Hashable, Sendable {
        case acts
        /// Start-up names it, and says why.
        case ignored(Absence)
        /// Start-up ends, unless the value is empty or one of these that ask for nothing.
        case refused(Absence, harmless: [String])
    }

    package let name: String
    package let kind: Kind
    /// The value when the key is not given; nil where there is none.
    package let defaultValue: String?
    /// One sentence for `docs/configuration.md` and DescribeConfigs.
    package let meaning: String
    package let change: Change
    package let effect: Effect

    package init(
        _ name: String, _ kind: Kind, _ defaultValue: String?, _ meaning: String, _ change: Change = .readOnly
    ) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.meaning = meaning
        self.change = change
        effect = .acts
    }

    private init(
        _ name: String, _ kind: Kind, _ defaultValue: String?, _ meaning: String, _ change: Change, _ effect: Effect
    ) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.meaning = meaning
        self.change = change
        self.effect = effect
    }

    /// A key that is known, and ignored with a warning.
    static func ignored(
        _ name: String, _ kind: Kind, _ defaultValue: String?, _ absence: Absence, _ meaning: String,
        _ change: Change = .readOnly
    ) -> Setting {
        Setting(name, kind, defaultValue, meaning, change, .ignored(absence))
    }

    /// A key that must not be ignored: a node that is given one does not start.
    ///
    /// - Parameter harmless: values that ask for nothing that is missing.
    static func refused(
        _ name: String, _ kind: Kind, _ defaultValue: String?, _ absence: Absence, _ meaning: String,
        harmless: [String] = []
    ) -> Setting {
        Setting(name, kind, defaultValue, meaning, .readOnly, .refused(absence, harmless: harmless))
    }

    /// Whether an empty text is a value, not the lack of one.
    var hasEmptyValue: Bool {
        switch kind {
        case .string, .list, .className: true
        case .boolean, .integer, .double, .choice, .password: false
        }
    }

    /// Whether values are secret.
    package var isSensitive: Bool { kind == .password }

    /// What is wrong with a value, in Kafka's words; nil if it is valid.
    package func complaint(about value: String) -> String? {
        switch kind {
        case .string, .list, .className, .password: return nil
        case .boolean:
            return ["true", "false"].contains(value.lowercased())
                ? nil : wrong(value, "Expected value to be either true or false")
        case .integer(let range):
            guard let number = Int64(value) else { return wrong(value, "Not a number of type \(numberType(range))") }
            return outside(range, number, value)
        case .double(let range):
            guard let number = Double(value) else { return wrong(value, "Not a number of type DOUBLE") }
            return outside(range, number, value)
        case .choice(let words):
            return words.contains(value) ? nil : wrong(value, "String must be one of: \(words.joined(separator: ", "))")
        }
    }

    private func outside<Number: Comparable>(_ range: ClosedRange<Number>, _ number: Number, _ value: String) -> String?
    {
        if number < range.lowerBound { return wrong(value, "Value must be at least \(range.lowerBound)") }
        if number > range.upperBound { return wrong(value, "Value must be no more than \(range.upperBound)") }
        return nil
    }

    private func numberType(_ range: ClosedRange<Int64>) -> String {
        if range.upperBound > Int64(Int32.max) { return "LONG" }
        return range.upperBound > Int64(Int16.max) ? "INT" : "SHORT"
    }

    private func wrong(_ value: String, _ reason: String) -> String {
        "Invalid value \(value) for configuration \(name): \(reason)"
    }

    /// Kafka's number of the type in DescribeConfigs.
    package var wireType: Int8 {
        switch kind {
        case .boolean: 1
        case .string, .choice: 2
        case .integer(let range):
            switch numberType(range) {
            case "INT": 3
            case "SHORT": 4
            default: 5
            }
        case .double: 6
        case .list: 7
        case .className: 8
        case .password: 9
        }
    }
}

/// A value or combination of values that a node can't start with; the text names the key and the remedy.
package struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
