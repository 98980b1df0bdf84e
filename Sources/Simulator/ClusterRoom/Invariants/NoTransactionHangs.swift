import Primitives

/// INV-T5: no transaction is open long after all is healed: coordinators have ended each that its producer left, and
/// no reader is kept back.
enum NoTransactionHangs {
    /// What still keeps a transaction open, or a reader back; nil for nothing.
    static func unrest(_ truth: ClusterTruth) -> String? {
        for id in truth.partitionIDs {
            guard let partition = truth.partitions[id], partition.registration != nil, partition.uncleanEpoch == nil,
                let known = truth.transactions.known(of: partition), let open = known.firstOpen
            else { continue }
            return "INV-T5: \(partition.name) has a transaction open from \(open) on"
        }
        return truth.transactions.unrest.map { "INV-T5: \($0)" }
    }
}
