import Primitives
import Quorum

/// Who is given a vote has all that was committed a short while ago: else the next commit may wait for it, and the
/// quorum stand still with one voter less than it has to survive (KIP-853).
struct AddedHaveCaughtUp: QuorumInvariant {
    /// What was committed when, for so long as an added voter may be behind.
    private var ends: [(at: MonotonicInstant, end: Int)] = []
    private var judged: [BrokerID: VoterSet] = [:]

    private static let behindMilliseconds = QuorumSettings().fetchTimeoutMilliseconds

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard truth.isDynamic else { return nil }
        if ends.last?.end != truth.committed.count { ends.append((truth.now, truth.committed.count)) }
        while ends.count > 1, truth.now.milliseconds(since: ends[1].at) > AddedHaveCaughtUp.behindMilliseconds {
            ends.removeFirst()
        }
        let former = truth.committedVoters[truth.committedVoters.count - 1]
        guard let voters = node.disk.voters, voters != former, judged[node.id] != voters else { return nil }
        judged[node.id] = voters
        // One that leads no more may add whom it likes: nobody will count it.
        guard let epoch = node.replica?.role.leading?.epoch, truth.leaders.keys.allSatisfy({ $0 <= epoch }),
            let added = voters.all.first(where: { !former.contains($0) }),
            let disk = truth.nodes.first(where: { added.admits($0.key) })?.disk,
            let first = ends.first, truth.now.milliseconds(since: first.at) > AddedHaveCaughtUp.behindMilliseconds
        else { return nil }
        return disk.durableEnd >= first.end
            ? nil : "leader \(node.id) adds \(added), which has \(disk.durableEnd) entries of \(first.end)"
    }
}
