import BrokerServer
import Metadata
import Primitives

/// INV-3: everyone who may be elected, in ISR or ELR, has all that is committed, if it runs.
struct ElectableAreComplete: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        guard let roles = partition.roles else { return nil }
        let end = partition.committed.end
        for replica in partition.all {
            guard roles.isElectable(replica.node), let witness = replica.witness, truth.isRunning(replica.node)
            else { continue }
            let id = BrokerID(Int32(replica.node))
            if witness.logEnd < end {
                return "INV-3: \(id) may be elected and ends at \(witness.logEnd), \(end) is committed"
            }
            if let reason = partition.verify(replica, below: end) { return "INV-3: \(id) may be elected: \(reason)" }
        }
        return nil
    }
}
