/// Reads Prometheus' text format 0.0.4, strictly: what a scraper would refuse is an error here.
struct PrometheusText {
    struct Sample: Hashable {
        let name: String
        let labels: [String: String]
        let value: Double
    }

    struct Family {
        var help: String?
        var type: String?
        var samples: [Sample] = []
    }

    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var families: [String: Family] = [:]

    init(parsing text: String) throws {
        guard text.isEmpty || text.hasSuffix("\n") else { throw Refusal(description: "no line end at the end") }
        var current: String?
        var seen: Set<String> = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#") {
                let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 4 else { throw Refusal(description: "bad comment: \(line)") }
                if parts[1] == "HELP" {
                    guard families[parts[2]] == nil else { throw Refusal(description: "\(parts[2]) twice") }
                    families[parts[2]] = Family(help: parts[3])
                    current = parts[2]
                } else if parts[1] == "TYPE" {
                    guard current == parts[2], families[parts[2]]?.type == nil else {
                        throw Refusal(description: "type out of place: \(line)")
                    }
                    families[parts[2]]?.type = parts[3]
                }
                continue
            }
            let sample = try PrometheusText.sample(line)
            guard let current, PrometheusText.belongs(sample.name, to: current, families[current]?.type) else {
                throw Refusal(description: "\(sample.name) stands in no family of its own")
            }
            let key = "\(sample.name)\(sample.labels.sorted { $0.key < $1.key })"
            guard seen.insert(key).inserted else { throw Refusal(description: "the series \(key) stands twice") }
            families[current]?.samples.append(sample)
        }
    }

    /// The value of the one series with these labels.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        families.values.lazy.flatMap(\.samples).first { $0.name == name && $0.labels == labels }?.value
    }

    private static func belongs(_ name: String, to family: String, _ type: String?) -> Bool {
        switch type {
        case "histogram": ["_bucket", "_sum", "_count"].contains { family + $0 == name }
        case "summary": name == family || ["_sum", "_count"].contains { family + $0 == name }
        default: name == family
        }
    }

    private static func sample(_ line: Substring) throws -> Sample {
        var rest = line
        let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" }
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest.removeFirst()
            while rest.first != "}" {
                let label = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                rest = rest.dropFirst(label.count)
                guard !label.isEmpty, rest.hasPrefix("=\"") else { throw Refusal(description: "bad label: \(line)") }
                rest = rest.dropFirst(2)
                guard labels.updateValue(try quoted(&rest, line), forKey: String(label)) == nil else {
                    throw Refusal(description: "a label stands twice: \(line)")
                }
                if rest.first == "," { rest.removeFirst() }
            }
            rest.removeFirst()
        }
        guard rest.first == " ", let value = number(rest.dropFirst()) else {
            throw Refusal(description: "bad value: \(line)")
        }
        return Sample(name: String(name), labels: labels, value: value)
    }

    private static func quoted(_ rest: inout Substring, _ line: Substring) throws -> String {
        var value = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return value
            case "\\":
                switch rest.popFirst() {
                case "\\": value.append("\\")
                case "\"": value.append("\"")
                case "n": value.append("\n")
                default: throw Refusal(description: "bad escape: \(line)")
                }
            default: value.append(character)
            }
        }
        throw Refusal(description: "a value does not end: \(line)")
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "NaN": .nan
        case "+Inf": .infinity
        case "-Inf": -.infinity
        default: Double(text)
        }
    }
}
