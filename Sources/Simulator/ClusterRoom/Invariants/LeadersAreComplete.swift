import BrokerServer
import Primitives

/// INV-2: the current leader has all that is committed.
struct LeadersAreComplete: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        for number in partition.numbers {
            guard let replica = partition.replicas[number], let witness = replica.witness,
                truth.isCurrentLeader(replica, of: partition)
            else { continue }
            let end = partition.committed.end
            if witness.logEnd < end { return "INV-2: leader \(number) ends at \(witness.logEnd), \(end) is committed" }
            if let reason = partition.verify(number, below: end) { return "INV-2: leader \(number): \(reason)" }
        }
        return nil
    }
}
