package import Primitives

/// Names a request that waits for its answer; the host keeps what is needed to send it.
package struct Ticket: NumberOfAKind {
    package let value: Int64
    package init(_ value: Int64) { self.value = value }
}

/// Names one write of a shard, from its decision to its commitment.
package struct WriteID: NumberOfAKind {
    package let value: Int64
    package init(_ value: Int64) { self.value = value }
}

/// One leadership of a shard's partition: what it ordered is not carried on by the next.
package struct ShardLeadership: Hashable, Sendable {
    package let partition: PartitionIndex
    package let epoch: LeaderEpoch

    package init(partition: PartitionIndex, epoch: LeaderEpoch) {
        self.partition = partition
        self.epoch = epoch
    }
}

/// Records that are to be appended as one batch: all or none.
package struct ShardWrite<Record: Hashable & Sendable>: Hashable, Sendable {
    package let id: WriteID
    /// None where a transaction ends.
    package let records: [Record]
    /// In whose transaction the records are: they count once it is committed. Nil for what counts at once.
    package var producer: ProducerIdentity?
    /// The end of a transaction, to be written as its marker.
    package var end: TransactionEnd?
}

/// What a transaction coordinator wants written at the end of a transaction.
package struct TransactionEnd: Hashable, Sendable {
    package let producer: ProducerIdentity
    package let isCommit: Bool
    /// The leader epoch of the transaction coordinator's own partition.
    package let coordinatorEpoch: Int32
    /// Whether the epoch is this transaction's own (KIP-890), and greater than its records'.
    package let hasOwnEpoch: Bool

    package init(_ producer: ProducerIdentity, isCommit: Bool, coordinatorEpoch: Int32, hasOwnEpoch: Bool) {
        self.producer = producer
        self.isCommit = isCommit
        self.coordinatorEpoch = coordinatorEpoch
        self.hasOwnEpoch = hasOwnEpoch
    }
}

/// What a step of a shard asks of the host, to be done in array order.
package enum ShardEffect<Record: Hashable & Sendable, Reply: Hashable & Sendable, Order: Hashable & Sendable>:
    Hashable, Sendable
{
    /// Answer the request behind the ticket. Its records, if it had any, are committed.
    case reply(Ticket, Reply)
    /// Append to the shard's partition and tell the shard at once, by `appended` or `refused`, before any other call.
    /// What is to follow the commitment is kept by the shard until `committed`.
    case append(ShardWrite<Record>)
    /// Carry out what this kind of shard orders.
    case order(Order)
}
