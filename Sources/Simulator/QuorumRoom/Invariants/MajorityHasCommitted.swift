import Primitives
import Quorum

/// Every committed entry is durable on a majority of the voters; one whose disk was replaced since does not count
/// against it until it has caught up, and at least one voter really has it.
struct MajorityHasCommitted: QuorumInvariant {
    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard let last = truth.committed.last else { return nil }
        let index = truth.committed.count - 1
        let holders = truth.nodes.count { $0.disk.durableEnd > index && $0.disk.entries[index] == last }
        let wiped = truth.nodes.count { $0.isWiped && $0.disk.durableEnd <= index }
        if holders == 0 { return "no disk holds the committed entry at offset \(index)" }
        if holders + wiped < truth.majority {
            return "the committed entry at offset \(index) is on \(holders) disks of \(truth.nodes.count)"
        }
        return nil
    }
}
