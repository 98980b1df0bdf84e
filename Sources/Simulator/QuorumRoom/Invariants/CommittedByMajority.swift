import Primitives
import Quorum

/// What a leader counts as committed is durable, at that moment, at a majority of the voters by its own log.
///
/// The strict form of `MajorityHasCommitted`, for the moment in which it is valid for any number of voters: who has an
/// entry later on may be less than a majority of the voters of then.
struct CommittedByMajority: QuorumInvariant {
    private var judged = 0

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard truth.committed.count > judged else { return nil }
        judged = truth.committed.count
        guard node.replica?.role.leading != nil, let last = truth.committed.last else { return nil }
        let index = judged - 1
        let holders = truth.nodes.filter { $0.disk.durableEnd > index && $0.disk.entries[index] == last }
        let isCounted = CommittedByMajority.sets(of: node, truth).contains { voters in
            let having = voters.all.count { voter in holders.contains { voter.admits($0.key) } }
            return having + truth.excused(voters, at: index) >= voters.majority
        }
        return isCounted
            ? nil : "leader \(node.id) commits the entry at offset \(index), on disks of \(holders.map(\.id)) only"
    }

    /// The voters by the leader's log; and those before, while the newest are not committed: the leader may have
    /// committed first, and have begun the change in the same step.
    private static func sets(of leader: QuorumNode, _ truth: QuorumTruth) -> [VoterSet] {
        let committed = truth.committedVoters[truth.committedVoters.count - 1]
        guard let newest = leader.disk.voters, newest != committed else { return [committed] }
        return [newest, committed]
    }
}

extension QuorumTruth {
    /// How many voters lack an entry because their disk is another one since: they said that they have it, and what
    /// they say counts again only when they have caught up.
    func excused(_ voters: VoterSet, at index: Int) -> Int {
        voters.all.count { voter in
            guard let node = nodes.first(where: { $0.id == voter.id }) else { return false }
            return isDynamic ? !voter.admits(node.key) : node.isWiped && node.disk.durableEnd <= index
        }
    }
}
