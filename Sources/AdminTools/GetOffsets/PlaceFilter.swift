package import ClientCore
import MartletClient
import Primitives

/// Which partitions `get-offsets` asks for.
package struct PlaceFilter: Sendable {
    /// Partitions of the topics that match a pattern; nil stands for every topic, and for every partition.
    private struct Rule: Sendable {
        var topics: TopicPattern?
        var partitions: [Range<Int32>]?
    }

    private let rules: [Rule]

    /// The rules of `--topic-partitions`, divided by commas: a topic, a partition behind a colon.
    package init(rules text: String) throws {
        rules = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let halves = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            var rule = Rule()
            if !halves[0].isEmpty { rule.topics = try TopicPattern(String(halves[0])) }
            if halves.count == 2 { rule.partitions = try PlaceFilter.range(halves[1], in: part).map { [$0] } }
            return rule
        }
    }

    /// `--topic` and `--partitions`.
    package init(topics: String?, partitions: String?) throws {
        var rule = Rule()
        rule.topics = try topics.map { try TopicPattern($0) }
        if let partitions, !partitions.isEmpty {
            rule.partitions = try partitions.split(separator: ",", omittingEmptySubsequences: false).map { part in
                guard !part.isEmpty, let number = Int32(part), number >= 0, number < .max else {
                    throw ClientError(
                        .invalid,
                        "--partitions expects a comma separated list of numeric partition ids, but received: "
                            + partitions)
                }
                return number..<number + 1
            }
        }
        rules = [rule]
    }

    /// Whether a partition is asked for.
    package func matches(_ place: TopicPartition) -> Bool {
        rules.contains { rule in
            (rule.topics.map { !$0.matching([place.topic]).isEmpty } ?? true)
                && (rule.partitions.map { $0.contains { $0.contains(place.partition.value) } } ?? true)
        }
    }

    /// A number, or a range of which either end may be missing; nil for all.
    private static func range(_ text: Substring, in rule: Substring) throws(ClientError) -> Range<Int32>? {
        if text.isEmpty { return nil }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let lower = ends[0].isEmpty ? 0 : Int32(ends[0])
        guard let lower, lower >= 0, lower < .max else { throw invalid(rule) }
        if ends.count == 1 { return lower..<lower + 1 }
        let upper = ends[1].isEmpty ? Int32.max : Int32(ends[1])
        guard let upper, upper >= 0 else { throw invalid(rule) }
        return lower..<max(lower, upper)
    }

    private static func invalid(_ rule: Substring) -> ClientError {
        ClientError(.invalid, "Invalid rule specification: \(rule)")
    }
}
