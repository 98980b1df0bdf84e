import ClientCore
import MartletClient
import Primitives

/// The partitions that `--topic` names: `orders`, or `orders:0,1,2`.
enum TopicScope {
    /// A topic with the partitions that are named; nil stands for all.
    struct Part: Hashable {
        let topic: String
        let partitions: [PartitionIndex]?
    }

    /// - Errors: a part that can't be read.
    static func parse(_ text: String) throws(ToolFailure) -> Part {
        guard text.contains(":") else { return Part(topic: text, partitions: nil) }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw .usage("Invalid topic arg '\(text)', expected topic name and partitions")
        }
        var partitions: [PartitionIndex] = []
        for number in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
            guard let value = Int32(number), value >= 0 else {
                throw .usage("Invalid partition '\(number)' specified in topic arg '\(text)''")
            }
            partitions.append(PartitionIndex(value))
        }
        return Part(topic: String(parts[0]), partitions: partitions)
    }

    /// The partitions of all parts, sorted; topics that do not exist are told apart.
    static func places(
        _ parts: [Part], _ admin: Admin
    ) async throws(ClientError) -> (known: [TopicPartition], missing: [String: ErrorCode]) {
        let whole = parts.filter { $0.partitions == nil }.map(\.topic)
        let missing = whole.isEmpty ? [:] : try await admin.cluster.refresh(topics: whole)
        let view = admin.cluster.view
        var places: Set<TopicPartition> = []
        for part in parts {
            let partitions = part.partitions ?? view.topics[part.topic]?.partitions.map(\.index) ?? []
            for partition in partitions where missing[part.topic] == nil || part.partitions != nil {
                places.insert(TopicPartition(part.topic, partition))
            }
        }
        return (places.sorted(), missing)
    }
}
