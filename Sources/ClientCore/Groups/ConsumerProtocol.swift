package import Primitives
import WireMessages
package import WireProtocol

/// What members of a group of consumers tell each other inside JoinGroup and SyncGroup: subscriptions, assignments.
package enum ConsumerProtocol {
    package static let type = "consumer"
    private static let version: Int16 = 1

    /// The bytes of a subscription.
    package static func subscription(_ topics: [String], owned: [TopicPartition]) -> Bytes {
        var message = ConsumerProtocolSubscription()
        message.topics = topics.sorted()
        message.ownedPartitions = byTopic(owned).map { topic, partitions in
            var entry = ConsumerProtocolSubscription.TopicPartition()
            entry.topic = topic
            entry.partitions = partitions
            return entry
        }
        return versioned(message)
    }

    /// The bytes of an assignment.
    package static func assignment(_ places: [TopicPartition]) -> Bytes {
        var message = ConsumerProtocolAssignment()
        message.assignedPartitions = byTopic(places).map { topic, partitions in
            var entry = ConsumerProtocolAssignment.TopicPartition()
            entry.topic = topic
            entry.partitions = partitions
            return entry
        }
        return versioned(message)
    }

    /// The topics of a subscription of any version.
    package static func topics(ofSubscription bytes: Bytes) throws(WireError) -> [String] {
        try parsed(bytes, as: ConsumerProtocolSubscription.self).topics
    }

    /// The partitions of an assignment of any version; none for an empty one.
    package static func places(ofAssignment bytes: Bytes) throws(WireError) -> [TopicPartition] {
        guard !bytes.isEmpty else { return [] }
        return try parsed(bytes, as: ConsumerProtocolAssignment.self).assignedPartitions
            .flatMap { entry in entry.partitions.map { TopicPartition(entry.topic, $0) } }
            .sorted()
    }

    private static func versioned(_ message: some WireMessage) -> Bytes {
        let body = message.encoded(version: version)
        return Bytes([UInt8(version >> 8), UInt8(version & 0xff)] + body.array)
    }

    /// A later version only adds fields at the end, which are left unread.
    private static func parsed<Message: WireMessage>(
        _ bytes: Bytes, as type: Message.Type
    ) throws(WireError) -> Message {
        guard bytes.count >= 2 else { throw .truncated(needed: 2, remaining: bytes.count) }
        let declared = bytes.bigEndian(Int16.self, at: 0)
        var reader = WireReader(bytes[2..<bytes.count])
        return try Message(from: &reader, version: min(max(declared, 0), Message.versions.upperBound))
    }

    private static func byTopic(_ places: [TopicPartition]) -> [(String, [PartitionIndex])] {
        let topics = Set(places.map(\.topic)).sorted()
        return topics.map { topic in
            (topic, places.filter { $0.topic == topic }.map(\.partition).sorted())
        }
    }
}
