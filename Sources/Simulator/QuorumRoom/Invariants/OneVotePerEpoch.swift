import Primitives
import Quorum

/// In one epoch one disk holds one vote and one leader; where voters are named with their directories, even a node
/// whose disk was replaced does not vote for another.
struct OneVotePerEpoch: QuorumInvariant {
    private var last: [BrokerID: ElectionState] = [:]
    private var votes: [BrokerID: [LeaderEpoch: BrokerID]] = [:]

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        let now = node.disk.election
        defer { last[node.id] = now }
        if truth.isDynamic, let vote = now.votedFor?.id {
            if let former = votes[node.id]?[now.epoch], former != vote {
                return "node \(node.id) voted for \(former) and for \(vote) in epoch \(now.epoch)"
            }
            votes[node.id, default: [:]][now.epoch] = vote
        }
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
