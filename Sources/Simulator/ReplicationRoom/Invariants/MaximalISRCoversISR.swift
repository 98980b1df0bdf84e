import Controller
import Metadata
import Primitives
import Replication

/// INV-6: the current leader counts on everyone whom the controller may elect; without a change in flight, on exactly
/// the in-sync set that it knows.
struct MaximalISRCoversISR: ReplicationInvariant {
    func violation(in truth: ReplicationTruth) -> String? {
        for node in truth.nodes {
            guard truth.isCurrentLeader(node), let leader = node.leader else { continue }
            let partition = truth.partition
            let maximal = leader.maximalInSync
            if partition.isr.count >= leader.effectiveMinInSync,
                let missed = (partition.isr + partition.eligibleLeaderReplicas).first(where: { !maximal.contains($0) })
            {
                return "INV-6: leader \(node.id) counts on \(maximal), but \(missed) may be elected"
            }
            if !leader.isChangeInFlight, maximal != leader.inSync { return "INV-6: a pending set without a change" }
        }
        return nil
    }
}
