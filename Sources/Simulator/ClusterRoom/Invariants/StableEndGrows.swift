import BrokerServer
import Primitives

/// INV-T3: the last stable offset that current leaders tell is that of what is committed: not above the high watermark,
/// not above the first record of any open transaction, and it never goes back, across leaders.
struct StableEndGrows: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        guard partition.uncleanEpoch == nil, let known = truth.transactions.known(of: partition) else { return nil }
        for replica in partition.all {
            guard truth.isCurrentLeader(replica, of: partition), let leading = replica.witness?.leading,
                let end = leading.shownEnd
            else { continue }
            let told = leading.stableEnd
            if told > end { return "INV-T3: leader \(replica.node) tells the stable end \(told) above the end \(end)" }
            if let open = known.firstOpen, told > open {
                return "INV-T3: leader \(replica.node) tells the stable end \(told), and a transaction is open from "
                    + "\(open) on"
            }
            if told < known.shownStable {
                return "INV-T3: leader \(replica.node) tells the stable end \(told) after \(known.shownStable) was told"
            }
            known.shownStable = told
        }
        return nil
    }
}
