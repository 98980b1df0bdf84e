import BrokerServer
import Metadata
import Primitives

/// INV-3: everyone who may be elected, in ISR or ELR, has all that is committed, if it runs.
struct ElectableAreComplete: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        // Not the whole registration: it would be copied.
        guard let isr = partition.registration?.isr, let elr = partition.registration?.eligibleLeaderReplicas else {
            return nil
        }
        let end = partition.committed.end
        for replica in partition.all {
            let id = BrokerID(Int32(replica.node))
            guard let witness = replica.witness, isr.contains(id) || elr.contains(id), truth.isRunning(replica.node)
            else { continue }
            if witness.logEnd < end {
                return "INV-3: \(id) may be elected and ends at \(witness.logEnd), \(end) is committed"
            }
            if let reason = partition.verify(replica, below: end) { return "INV-3: \(id) may be elected: \(reason)" }
        }
        return nil
    }
}
