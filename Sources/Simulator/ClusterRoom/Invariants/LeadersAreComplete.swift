import BrokerServer
import Primitives

/// INV-2: the current leader has all that is committed.
struct LeadersAreComplete: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        for replica in partition.all {
            guard truth.isCurrentLeader(replica, of: partition), let witness = replica.witness else { continue }
            let (number, end) = (replica.node, partition.committed.end)
            if witness.logEnd < end { return "INV-2: leader \(number) ends at \(witness.logEnd), \(end) is committed" }
            if let reason = partition.verify(replica, below: end) { return "INV-2: leader \(number): \(reason)" }
        }
        return nil
    }
}
