package import Primitives

/// How `__consumer_offsets` is made when the first group needs it.
package struct OffsetsTopic: Hashable, Sendable {
    package let partitions: Int32
    package let replicationFactor: Int16
    /// Kafka's: compacted, never compressed by the broker's choice of the producer, its own segment size.
    package let configs: [String: String]

    package init(_ settings: Settings) {
        partitions = Int32(clamping: settings.integer("offsets.topic.num.partitions"))
        replicationFactor = Int16(clamping: settings.integer("offsets.topic.replication.factor"))
        configs = [
            "cleanup.policy": "compact", "compression.type": "producer",
            "segment.bytes": settings.string("offsets.topic.segment.bytes"),
        ]
    }

    /// Has it created on this broker's account; `failed` hears why it was not.
    package func create(with creator: TopicCreator, failed: @escaping @Sendable (ErrorCode, String?) -> Void) {
        creator.create(
            GroupCoordinatorHost.topicName, partitions: partitions, replicationFactor: replicationFactor,
            configs: configs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        ) { error, message in
            if error != .noError { failed(error, message) }
        }
    }
}
