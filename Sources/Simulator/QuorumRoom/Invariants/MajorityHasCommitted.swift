import Primitives
import Quorum

/// Every committed entry is durable on a majority of the voters; one whose disk was replaced since does not count
/// against it until it has caught up, and at least one voter really has it.
///
/// While a change of the voters is under way, a majority of the old or of the new ones will do: each has a member in
/// common with every majority of the other.
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
            return having + excused >= voters.majority
        }
        return isSafe ? nil : "the committed entry at offset \(index) is on disks of \(holders.map(\.id)) only"
    }

    private static func sets(of truth: QuorumTruth) -> [VoterSet] {
        var sets = [truth.committedVoters[truth.committedVoters.count - 1]]
        for voters in truth.nodes.compactMap(\.disk.voters) where !sets.contains(voters) { sets.append(voters) }
        return sets
    }
}
