import Primitives

/// INV-T1: a producer's id and epoch name one transaction at most, where each has an epoch of its own (KIP-890); and an
/// epoch that a marker has ended stays ended, whatever the version.
enum EpochNamesOneTransaction {
    /// Two decisions with the same name.
    static func violation(
        _ former: TransactionTruth.Decision, _ fresh: TransactionTruth.Decision, _ name: TransactionTruth.Name
    ) -> String? {
        guard former.hasOwnEpoch || fresh.hasOwnEpoch || former.transactionalID != fresh.transactionalID else {
            return nil
        }
        return "INV-T1: two transactions were decided for producer \(name.producer) epoch \(name.epoch), the second of "
            + fresh.transactionalID
    }

    /// Records behind the marker of a later epoch, or of two epochs in one transaction.
    static func violation(
        _ batch: DiskBatch, _ producer: ProducerID, _ epoch: ProducerEpoch, in partition: PartitionTransactions
    ) -> String? {
        if let open = partition.open[producer], open.epoch != epoch {
            return "INV-T1: producer \(producer) writes at \(batch.base) in epoch \(epoch), and has a transaction of "
                + "epoch \(open.epoch) open"
        }
        guard let marker = partition.lastMarkers[producer], epoch < marker.epoch else { return nil }
        return "INV-T1: records of producer \(producer) epoch \(epoch) at \(batch.base) stand behind the marker of "
            + "epoch \(marker.epoch)"
    }
}
