import Primitives
import Quorum

/// In one epoch one disk holds one vote and one leader.
struct OneVotePerEpoch: QuorumInvariant {
    private var last: [BrokerID: ElectionState] = [:]

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        let now = node.disk.election
        defer { last[node.id] = now }
        guard let before = last[node.id], before.epoch == now.epoch, !node.isWiped else { return nil }
        if let vote = before.votedFor, now.votedFor != vote {
            return "node \(node.id) changed its vote in epoch \(now.epoch)"
        }
        if let leader = before.leaderID, now.leaderID != leader {
            return "node \(node.id) changed its leader in epoch \(now.epoch)"
        }
        return nil
    }
}
