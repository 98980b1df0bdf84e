package import Coordinators
package import Primitives
import Synchronization

/// The group coordinator of a broker.
package typealias GroupCoordinatorHost = CoordinatorHost<GroupShard>

extension CoordinatorHost where Shard == GroupShard {
    /// Whether ConsumerGroupHeartbeat is served: the settings allow it, and the cluster has agreed on it.
    var servesConsumerProtocol: Bool {
        surroundings.settings.servesConsumerProtocol
            && surroundings.known.withLock(\.metadata.isConsumerProtocolFinalized)
    }

    /// Ends a producer's transaction in a partition of `__consumer_offsets`: its offsets count from then on, or are
    /// gone.
    ///
    /// - Parameter answered: `noError` once that is committed; NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS,
    ///   COORDINATOR_NOT_AVAILABLE, TRANSACTION_COORDINATOR_FENCED or INVALID_PRODUCER_EPOCH.
    package func endTransaction(
        _ end: TransactionEnd, in partition: PartitionIndex, answered: @escaping @Sendable (ErrorCode) -> Void
    ) {
        guard let shard = shard(at: partition) else { return answered(.notCoordinator) }
        let answer: ShardHost<GroupShard>.Answer = { reply in
            guard case .transactionEnded(let error) = reply else {
                preconditionFailure("the end of a transaction is answered by nothing else")
            }
            answered(error)
        }
        let refusal = shard.submit(answer) { shard, ticket, time in
            shard.endTransaction(end, ticket: ticket, at: time)
        }
        if let refusal { answered(refusal) }
    }
}

extension ShardOrders where Shard == GroupShard {
    /// Groups order nothing.
    package static var none: ShardOrders { ShardOrders(take: { _, _ in }, drop: { _ in }) }
}
