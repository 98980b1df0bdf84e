package import Primitives
import WireProtocol

/// What a transaction coordinator has a partition write at the end of a transaction (KIP-98).
package struct EndMarker: Hashable, Sendable {
    package let producerID: ProducerID
    package let producerEpoch: ProducerEpoch
    package let isCommit: Bool
    /// The leader epoch of the coordinator's own partition: of two coordinators the later one counts (rule 29).
    package let coordinatorEpoch: Int32
    /// Whether each transaction has an epoch of its own (KIP-890): the marker's is greater then than the records'.
    package let hasOwnEpoch: Bool

    package init(
        producerID: ProducerID, producerEpoch: ProducerEpoch, isCommit: Bool, coordinatorEpoch: Int32, hasOwnEpoch: Bool
    ) {
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.isCommit = isCommit
        self.coordinatorEpoch = coordinatorEpoch
        self.hasOwnEpoch = hasOwnEpoch
    }

    /// The control batch.
    package func batch(now: Timestamp) -> Bytes {
        var value: [UInt8] = []
        value.append(bigEndian: Int16(0))
        value.append(bigEndian: coordinatorEpoch)
        return RecordBatchBuilder.control(
            isCommit ? .commit : .abort, value: Bytes(value), timestamp: now,
            producer: BatchProducer(id: producerID, epoch: producerEpoch, baseSequence: nil), isTransactional: true)
    }
}
