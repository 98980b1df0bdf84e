import ClientCore
import MartletClient
import Primitives

/// What came out of an election by hand.
struct ElectionReport {
    private let kind: String
    private var elected: [TopicPartition] = []
    private var valid: [TopicPartition] = []
    private var failed: [(place: TopicPartition, error: ClientError)] = []

    init(_ kind: ElectionKind, _ outcomes: [TopicPartition: ClientError?]) {
        self.kind = kind == .preferred ? "PREFERRED" : "UNCLEAN"
        for (place, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
            if let error = outcome {
                if error.code == .electionNotNeeded { valid.append(place) } else { failed.append((place, error)) }
            } else {
                elected.append(place)
            }
        }
    }

    /// The lines of Kafka's tool.
    var lines: [String] {
        func names(_ places: [TopicPartition]) -> String { places.map(\.description).joined(separator: ", ") }
        var lines: [String] = []
        if !elected.isEmpty {
            lines.append("Successfully completed leader election (\(kind)) for partitions \(names(elected))")
        }
        if !valid.isEmpty { lines.append("Valid replica already elected for partitions \(names(valid))") }
        return lines
            + failed.map { place, error in
                "Error completing leader election (\(kind)) for partition: \(place): \(ExceptionText.of(error))"
            }
    }

    private var json: JSONValue {
        let rows =
            elected.map { ($0, "elected", nil) } + valid.map { ($0, "valid", nil) }
            + failed.map { ($0.place, "failed", ExceptionText.of($0.error)) }
        return .array(
            rows.sorted { $0.0 < $1.0 }.map { place, outcome, error in
                [
                    "topic": .text(place.topic), "partition": .integer(Int64(place.partition.value)),
                    "outcome": .text(outcome), "error": .text(orNull: error),
                ]
            })
    }

    /// - Errors: the number of partitions that could not be elected.
    func show(isJSON: Bool) throws(ToolFailure) {
        if isJSON { print(json) } else { for line in lines { print(line) } }
        if !failed.isEmpty { throw ToolFailure("\(failed.count) replica(s) could not be elected") }
    }
}
