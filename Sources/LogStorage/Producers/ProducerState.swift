package import Primitives
import WireProtocol

/// What a log remembers of one producer: enough to recognise a repeated batch and to refuse one out of order.
package struct ProducerState: Hashable, Sendable {
    /// A batch as the producer numbered it and as the log placed it.
    package struct Batch: Hashable, Sendable {
        package let firstSequence: Int32
        package let lastSequence: Int32
        package let lastOffset: Offset
        /// The number of its records minus one.
        package let offsetDelta: Int32
        package let timestamp: Timestamp

        package var baseOffset: Offset { Offset(lastOffset.value - Int64(offsetDelta)) }
    }

    /// Batches remembered for each producer: as many as it may have in flight (rule 23).
    package static let batchesMax = 5

    package internal(set) var epoch: ProducerEpoch
    /// The newest batches of this epoch, oldest first.
    package internal(set) var batches: [Batch] = []
    /// The greatest age of anything the producer did, markers counted in (KAFKA-9144).
    package internal(set) var lastTimestamp: Timestamp
    /// Of the last transaction marker.
    package internal(set) var coordinatorEpoch: Int32?
    /// Where the open transaction begins.
    package internal(set) var currentTransactionFirstOffset: Offset?

    init(epoch: ProducerEpoch, lastTimestamp: Timestamp) {
        self.epoch = epoch
        self.lastTimestamp = lastTimestamp
    }

    /// Notes a batch of data at its place in the log, whoever leads.
    mutating func note(_ header: RecordBatchHeader) {
        begin(header.producerEpoch)
        if let first = header.baseSequence, let last = header.lastSequence {
            if batches.count == ProducerState.batchesMax { batches.removeFirst() }
            batches.append(
                Batch(
                    firstSequence: first, lastSequence: last, lastOffset: header.lastOffset,
                    offsetDelta: header.lastOffsetDelta, timestamp: header.maxTimestamp))
        }
        lastTimestamp = header.maxTimestamp
        if header.attributes.isTransactional, currentTransactionFirstOffset == nil {
            currentTransactionFirstOffset = header.baseOffset
        }
    }

    /// Notes a marker that ended the producer's transaction.
    mutating func noteMarker(_ header: RecordBatchHeader, coordinatorEpoch: Int32?) {
        begin(header.producerEpoch)
        lastTimestamp = header.maxTimestamp
        if let coordinatorEpoch { self.coordinatorEpoch = coordinatorEpoch }
        currentTransactionFirstOffset = nil
    }

    /// The sequences of another epoch say nothing about this one's.
    private mutating func begin(_ batchEpoch: ProducerEpoch?) {
        guard let batchEpoch, batchEpoch != epoch else { return }
        epoch = batchEpoch
        batches = []
    }
}

/// Arithmetic of sequence numbers, which wrap from 2³¹ − 1 to 0.
enum Sequence {
    static func goBack(_ sequence: Int32, by count: Int32) -> Int32 {
        guard sequence >= 0 else { return sequence }
        return Int32(truncatingIfNeeded: (Int64(sequence) - Int64(count)) & 0x7FFF_FFFF)
    }

    static func follows(_ next: Int32, _ last: Int32) -> Bool { next == (last == Int32.max ? 0 : last + 1) }
}
