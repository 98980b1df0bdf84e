import Primitives
import Quorum

/// Every committed entry is durable on one voter of each majority, so that no leader can be elected without it; one
/// whose disk was replaced since does not count against it until it has caught up, and at least one voter really has
/// it.
///
/// Of three or five voters these are a majority themselves. Half of four voters will do: what a majority of five
/// committed stays so when the record of the fifth voter, which was not committed, is cut. While a change is under way,
/// the old or the new voters will do: each majority of the ones has a member in common with every one of the others.
struct MajorityHasCommitted: QuorumInvariant {
    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard let last = truth.committed.last else { return nil }
        let index = truth.committed.count - 1
        let holders = truth.nodes.filter { $0.disk.durableEnd > index && $0.disk.entries[index] == last }
        if holders.isEmpty { return "no disk holds the committed entry at offset \(index)" }
        let wiped = truth.nodes.filter { $0.isWiped && $0.disk.durableEnd <= index }.map(\.id)
        let isSafe = MajorityHasCommitted.sets(of: truth).contains { voters in
            let having = voters.all.count { voter in holders.contains { voter.admits($0.key) } }
            let excused = voters.all.count { voter in
                let node = truth.nodes.first { $0.id == voter.id }
                return node.map { truth.isDynamic ? !voter.admits($0.key) : wiped.contains($0.id) } ?? false
            }
            return voters.all.count - having - excused < voters.majority
        }
        return isSafe ? nil : "the committed entry at offset \(index) is on disks of \(holders.map(\.id)) only"
    }

    private static func sets(of truth: QuorumTruth) -> [VoterSet] {
        var sets = [truth.committedVoters[truth.committedVoters.count - 1]]
        for voters in truth.nodes.compactMap(\.disk.voters) where !sets.contains(voters) { sets.append(voters) }
        return sets
    }
}
