import Primitives

/// Rule 30: nothing is appended for a transaction before its coordinator has noted the partition, durably: it would get
/// no marker.
enum WritersHaveJoined {
    static func violation(
        _ batch: DiskBatch, _ producer: ProducerID, _ epoch: ProducerEpoch, in partition: String,
        _ transactions: TransactionTruth
    ) -> String? {
        let name = TransactionTruth.Name(producer: producer, epoch: epoch)
        if transactions.joined[name]?.contains(partition) ?? false { return nil }
        return "rule 30: producer \(producer) epoch \(epoch) writes at \(batch.base), and its coordinator does not "
            + "know that it does"
    }
}
