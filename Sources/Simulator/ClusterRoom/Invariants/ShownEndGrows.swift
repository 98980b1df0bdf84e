import BrokerServer
import Primitives

/// INV-13: the end that current leaders tell consumers never decreases, across leaders.
struct ShownEndGrows: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        for replica in partition.all {
            guard truth.isCurrentLeader(replica, of: partition), let told = replica.witness?.leading?.shownEnd
            else { continue }
            if told < partition.shownEnd {
                return "INV-13: leader \(replica.node) tells the end \(told) after \(partition.shownEnd) was told"
            }
            partition.shownEnd = told
        }
        return nil
    }
}
