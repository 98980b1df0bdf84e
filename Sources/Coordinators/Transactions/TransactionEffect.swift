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

/// Records that are to be appended as one batch.
package struct TransactionWrite: Hashable, Sendable {
    package let id: WriteID
    package let records: [TransactionRecord]
}

/// The markers of a transaction that is decided: to be written to all its partitions, however long that takes.
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

/// What a step asks of the host, to be done in array order.
package enum TransactionEffect: Hashable, Sendable {
    /// Answer the request behind the ticket. Its records, if it had any, are committed.
    case reply(Ticket, TransactionReply)
    /// Append to the shard's partition and tell the shard at once, by `appended` or `refused`, before any other call.
    case append(TransactionWrite)
    /// Write markers, and tell the shard of each partition by `markersWritten`. The decision is durable (rule 28).
    case sendMarkers(MarkerOrder)
}

/// A write from its decision to its commitment.
struct PendingTransactionWrite: Sendable {
    let write: TransactionWrite
    /// When the one who waits is told to come again; the write itself goes on.
    let deadline: MonotonicInstant
    /// Who waits for it, and what for.
    var waiting: (ticket: Ticket, reply: TransactionReply)?
    /// The end of its records in the log, once they are appended.
    var end: Offset?
    /// The state after its records, once they are appended.
    var imageAfter: TransactionImage?
}
