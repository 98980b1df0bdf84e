package import Primitives

/// Who an idempotent producer is: batches carry it, and the broker knows repeats by it.
package struct ProducerIdentity: Hashable, Sendable {
    package let id: ProducerID
    package let epoch: ProducerEpoch

    package init(id: ProducerID, epoch: ProducerEpoch) {
        self.id = id
        self.epoch = epoch
    }
}

/// Records that are written to one partition together, or not at all.
package struct OutgoingBatch: Hashable, Sendable {
    /// What the broker needs to know a repeat; given when the batch is sent for the first time, kept in each retry.
    package struct Stamp: Hashable, Sendable {
        package let producer: ProducerIdentity
        /// The number of the batch's first record among all that this producer wrote to the partition.
        package let baseSequence: Int32
    }

    /// Unique within its producer; grows.
    package let number: UInt64
    package let place: TopicPartition
    package private(set) var records: [OutgoingRecord] = []
    package private(set) var bytesMax = OutgoingBatch.headerBytes
    package let createdAt: MonotonicInstant
    package internal(set) var stamp: Stamp?
    package internal(set) var failedAttempts = 0
    /// It is not sent again before.
    package internal(set) var notBefore: MonotonicInstant
    /// An attempt had no answer: the records may be in the log.
    package internal(set) var mayBeWritten = false

    /// Bytes of a batch's header on the wire.
    package static let headerBytes = 61

    init(number: UInt64, place: TopicPartition, now: MonotonicInstant) {
        self.number = number
        self.place = place
        createdAt = now
        notBefore = now
    }

    mutating func append(_ record: OutgoingRecord) {
        precondition(stamp == nil, "a batch that was sent once stays as it is")
        records.append(record)
        bytesMax += record.bytesMax
    }

    var tickets: [UInt64] { records.map(\.ticket) }
}
