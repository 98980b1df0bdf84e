import Primitives

/// A batch that a producer was told to be written.
struct AcknowledgedBatch: Sendable {
    /// Nil where the broker knew it already and did not say where it stands.
    let base: Offset?
    let checksum: UInt32
    let recordCount: Int
    let producerID: ProducerID?
    let producerEpoch: ProducerEpoch?
    let baseSequence: Int32?
}

/// INV-5: what was acknowledged with acks=all is committed when the answer comes, at the offset that it names.
enum AcksAreCommitted {
    static func violation(_ batch: AcknowledgedBatch, in partition: PartitionTruth) -> String? {
        if let producer = batch.producerID, let epoch = batch.producerEpoch, let sequence = batch.baseSequence {
            guard let found = partition.committed.offset(producer: producer, epoch: epoch, sequence: sequence) else {
                return "INV-5: batch \(sequence) of producer \(producer) was acknowledged and is not committed"
            }
            if let base = batch.base, base != found {
                return
                    "INV-5: batch \(sequence) of producer \(producer) was acknowledged at \(base), but is at \(found)"
            }
        }
        guard let base = batch.base else { return nil }
        guard let found = partition.committed.batch(at: base) else {
            return "INV-5: a batch was acknowledged at \(base) and is not committed"
        }
        return found.checksum == batch.checksum
            ? nil : "INV-5: another batch is committed at \(base) than the one that was acknowledged there"
    }
}
