import BrokerServer
import Metadata
import Primitives

/// INV-6: the current leader counts on everyone whom the controller may elect; without a change in flight, on exactly
/// the in-sync set that it knows.
struct LeaderCountsOnElectable: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        for replica in partition.all {
            guard truth.isCurrentLeader(replica, of: partition), let leading = replica.witness?.leading,
                let registration = partition.registration
            else { continue }
            let number = replica.node
            let isMissed = { (id: BrokerID) in !leading.maximalInSync.contains(id) }
            if registration.isr.count >= leading.effectiveMinInSync,
                let missed = registration.isr.first(where: isMissed)
                    ?? registration.eligibleLeaderReplicas.first(where: isMissed)
            {
                return "INV-6: leader \(number) counts on \(leading.maximalInSync), but \(missed) may be elected"
            }
            if !leading.isChangeInFlight, leading.maximalInSync != leading.inSync {
                return "INV-6: leader \(number) counts on \(leading.maximalInSync) without a change in flight"
            }
        }
        return nil
    }
}
