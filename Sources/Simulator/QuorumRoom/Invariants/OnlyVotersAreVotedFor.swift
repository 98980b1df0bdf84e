import Primitives
import Quorum

/// Who leads an epoch has a vote with the directory it has, or had one until the newest record took it.
struct OnlyVotersAreVotedFor: QuorumInvariant {
    private var seen: [BrokerID: LeaderEpoch] = [:]

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard truth.isDynamic, let replica = node.replica, let epoch = replica.role.leading?.epoch,
            seen[node.id] != epoch
        else { return nil }
        seen[node.id] = epoch
        let hadVote = replica.isVoter || replica.history.formerVoters.contains(node.key)
        return hadVote ? nil : "node \(node.key) leads epoch \(epoch) without a vote"
    }
}
