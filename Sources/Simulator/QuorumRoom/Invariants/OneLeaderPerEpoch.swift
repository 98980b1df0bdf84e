import Primitives
import Quorum

/// No two nodes lead, or even believe in different leaders of, one epoch.
struct OneLeaderPerEpoch: QuorumInvariant {
    private var leaders: [LeaderEpoch: BrokerID] = [:]

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard let replica = node.replica, let leader = replica.leaderID else { return nil }
        let epoch = replica.election.epoch
        if let known = leaders[epoch], known != leader {
            return "node \(node.id) believes in leader \(leader) of epoch \(epoch), which \(known) leads"
        }
        leaders[epoch] = leader
        return nil
    }
}
