import Metadata
import Primitives
import WireMessages
import WireProtocol

/// What a consumer of the classic protocol says in its JoinGroup.
struct ClassicConsumerSubscription {
    /// Of the message, as the answer must have it.
    let version: Int16
    let message: ConsumerProtocolSubscription

    /// - Parameter bytes: the metadata of a protocol, after its version.
    init?(_ bytes: Bytes) {
        guard bytes.count >= 2 else { return nil }
        let said = bytes.bigEndian(Int16.self, at: 0)
        guard said >= 0 else { return nil }
        // Newer versions begin like the newest one that is known.
        version = min(said, ConsumerProtocolSubscription.versions.upperBound)
        var reader = WireReader(bytes[2..<bytes.count])
        guard let read = try? ConsumerProtocolSubscription(from: &reader, version: version) else { return nil }
        message = read
    }

    /// What the consumer says that it owns.
    func owned(_ topics: SubscribableTopics) -> Set<TopicPartitionID> {
        var owned: Set<TopicPartitionID> = []
        for entry in message.ownedPartitions {
            guard let id = topics.id(of: entry.topic) else { continue }
            for index in entry.partitions { owned.insert(TopicPartitionID(id, index)) }
        }
        return owned
    }
}

extension ConsumerProtocolAssignment {
    /// Partitions as a consumer of the classic protocol is told them; those of deleted topics are left out.
    static func bytes(_ owned: [OwnedPartition], version: Int16, _ topics: SubscribableTopics) -> Bytes {
        var message = ConsumerProtocolAssignment()
        for entry in owned.map(\.partition).byTopic {
            guard let name = topics.name(of: entry.topic) else { continue }
            var topic = TopicPartition()
            topic.topic = name
            topic.partitions = entry.partitions
            message.assignedPartitions.append(topic)
        }
        return GroupRecord.versioned(message, min(version, versions.upperBound))
    }

    /// The partitions that a leader gave to a consumer; nil where it wrote something else. Nothing stands for none.
    static func partitions(_ bytes: Bytes, _ topics: SubscribableTopics) -> [TopicPartitionID]? {
        if bytes.count == 0 { return [] }
        guard bytes.count >= 2, case let version = bytes.bigEndian(Int16.self, at: 0), version >= 0 else { return nil }
        var reader = WireReader(bytes[2..<bytes.count])
        let known = min(version, versions.upperBound)
        guard let message = try? ConsumerProtocolAssignment(from: &reader, version: known) else { return nil }
        return message.assignedPartitions.flatMap { entry in
            topics.id(of: entry.topic).map { id in entry.partitions.map { TopicPartitionID(id, $0) } } ?? []
        }
    }
}
