package import Primitives

/// The answer to a request of transactions that may have waited.
package enum TransactionReply: Hashable, Sendable {
    case failed(ErrorCode)
    /// The producer goes on as this one.
    case producer(ProducerID, ProducerEpoch)
    /// It has to be asked again with an id that no producer has.
    case needsProducerID
    /// Of each partition that was asked for, in order.
    case partitions([ErrorCode])
}

/// The markers of a transaction that is decided, durably (rule 28): to be written to all its partitions, however long
/// that takes; the shard is told of each partition by `markersWritten`.
package struct MarkerOrder: Hashable, Sendable {
    package let transactionalID: String
    package let producerID: ProducerID
    package let producerEpoch: ProducerEpoch
    package let isCommit: Bool
    /// Whether the epoch is this transaction's own (KIP-890), and greater than its records'.
    package let hasOwnEpoch: Bool
    /// Sorted.
    package let partitions: [TransactionPartition]
}

/// What a step of a transaction shard asks of the host.
package typealias TransactionEffect = ShardEffect<TransactionRecord, TransactionReply, MarkerOrder>

/// Who waits for a write, and what for.
struct WaitingReply: Hashable, Sendable {
    let ticket: Ticket
    let reply: TransactionReply
    /// Whether it waits for the markers, too, for a while.
    var awaitsMarkers = false
}
