import Coordinators
package import Primitives

/// How the topic of a coordinator is made when it is first needed.
package struct CoordinatorTopic: Hashable, Sendable {
    package let name: String
    package let partitions: Int32
    package let replicationFactor: Int16
    package let configs: [String: String]

    /// `__consumer_offsets`, as Kafka makes it: compacted, never compressed by the broker's choice of the producer, its
    /// own segment size.
    package static func ofGroups(_ settings: Settings) -> CoordinatorTopic {
        CoordinatorTopic(
            name: GroupShard.topicName, partitions: Int32(clamping: settings.integer("offsets.topic.num.partitions")),
            replicationFactor: Int16(clamping: settings.integer("offsets.topic.replication.factor")),
            configs: [
                "cleanup.policy": "compact", "compression.type": "producer",
                "segment.bytes": settings.string("offsets.topic.segment.bytes"),
            ])
    }

    /// `__transaction_state`, as Kafka makes it: never led by a replica that may lack a decision.
    package static func ofTransactions(_ settings: Settings) -> CoordinatorTopic {
        CoordinatorTopic(
            name: TransactionShard.topicName,
            partitions: Int32(clamping: settings.integer("transaction.state.log.num.partitions")),
            replicationFactor: Int16(clamping: settings.integer("transaction.state.log.replication.factor")),
            configs: [
                "cleanup.policy": "compact", "compression.type": "uncompressed",
                "min.insync.replicas": settings.string("transaction.state.log.min.isr"),
                "segment.bytes": settings.string("transaction.state.log.segment.bytes"),
                "unclean.leader.election.enable": "false",
            ])
    }

    /// Has it created on this broker's account; `failed` hears why it was not.
    package func create(with creator: TopicCreator, failed: @escaping @Sendable (ErrorCode, String?) -> Void) {
        creator.create(
            name, partitions: partitions, replicationFactor: replicationFactor,
            configs: configs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        ) { error, message in
            if error != .noError { failed(error, message) }
        }
    }
}
