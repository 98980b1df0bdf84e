import Primitives

/// INV-T2: every marker says what was decided, durably and before it came (rule 28), and those of one producer come in
/// the order of their coordinators' epochs (rule 29). As an epoch is decided once, one that is repeated says the same.
enum MarkersFollowDecisions {
    /// A marker lies on a disk.
    static func violation(
        _ batch: DiskBatch, _ transactions: TransactionTruth
    ) -> String? {
        guard case .marker(let isCommit, _) = batch.meaning, let producer = batch.producerID,
            let epoch = batch.producerEpoch
        else { return nil }
        let words = "\(isCommit ? "commit" : "abort") of producer \(producer) epoch \(epoch) at \(batch.base)"
        let name = TransactionTruth.Name(producer: producer, epoch: epoch)
        guard let verdicts = transactions.verdicts[name] else {
            return "INV-T2: the marker for the \(words) was written before anything was decided"
        }
        return verdicts.contains(isCommit) ? nil : "INV-T2: the marker for the \(words) says what was not decided"
    }

    /// A marker is committed behind another one of its producer.
    static func violation(
        _ marker: PartitionTransactions.Marker, of producer: ProducerID, after former: PartitionTransactions.Marker?
    ) -> String? {
        guard let former else { return nil }
        if marker.coordinatorEpoch < former.coordinatorEpoch {
            return "INV-T2: producer \(producer) has a marker of coordinator epoch \(marker.coordinatorEpoch) behind "
                + "one of \(former.coordinatorEpoch)"
        }
        if marker.epoch < former.epoch {
            return "INV-T2: producer \(producer) has a marker of epoch \(marker.epoch) behind one of \(former.epoch)"
        }
        return nil
    }
}
