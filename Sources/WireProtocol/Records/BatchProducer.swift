package import Primitives

/// The idempotent producer that a batch is from.
package struct BatchProducer: Hashable, Sendable {
    package var id: ProducerID
    package var epoch: ProducerEpoch
    /// The sequence number of the first record; nil in control batches.
    package var baseSequence: Int32?

    package init(id: ProducerID, epoch: ProducerEpoch, baseSequence: Int32?) {
        self.id = id
        self.epoch = epoch
        self.baseSequence = baseSequence
    }
}
