import Primitives
import Quorum

/// On one disk the epoch only grows.
struct EpochNeverDecreases: QuorumInvariant {
    private var epochs: [BrokerID: LeaderEpoch] = [:]

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        let epoch = node.disk.election.epoch
        if let before = epochs[node.id], epoch < before, !node.isWiped {
            return "node \(node.id) went back from epoch \(before) to \(epoch)"
        }
        epochs[node.id] = epoch
        return nil
    }
}
