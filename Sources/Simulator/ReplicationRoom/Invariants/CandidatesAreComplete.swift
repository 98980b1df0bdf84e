import Controller
import Metadata
import Primitives
import Replication

/// INV-3: everyone who may be elected, ISR and ELR, has all that is committed, if it runs.
struct CandidatesAreComplete: ReplicationInvariant {
    func violation(in truth: ReplicationTruth) -> String? {
        let partition = truth.partition
        for id in partition.isr + partition.eligibleLeaderReplicas {
            let node = truth.node(id)
            guard truth.isRunning(node) else { continue }
            let end = truth.trueHighWatermark
            if node.disk.end < end || node.disk.chain(below: end) != truth.committed.last?.chain ?? 0 {
                return "INV-3: \(id) may be elected, ends at \(node.disk.end), \(end) is committed"
            }
        }
        return nil
    }
}
