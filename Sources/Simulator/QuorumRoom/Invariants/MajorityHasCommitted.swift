import Primitives
import Quorum

/// Every committed entry is durable on one voter of each majority, for good, so that no leader can be elected without
/// it; one whose disk was replaced since does not count against it until it has caught up, and at least one voter
/// really has it.
///
/// `CommittedByMajority` asks for a majority in the moment of the commit. Why only this remains of it, when the voters
/// change one at a time (KIP-853):
///
/// - Of an odd number n a set meets each majority, (n + 1) / 2, exactly if it is a majority itself: nothing is lost.
/// - Of an even number n a majority is n / 2 + 1, and n / 2 voters meet each of them. So few may be left: a leader of
///   n voters appends the record of one more and counts with n + 1 from then on (KIP-853 counts with what is written,
///   not with what is committed); n / 2 of the old ones and the new one are n / 2 + 1 of n + 1, and commit. Of one
///   voter less, n / 2 of n - 1 do. The leader dies, its record of voters is cut, and of n voters n / 2 have the entry:
///   seed 279, of four.
/// - That loses nothing: each candidate needs n / 2 + 1 votes of n, one of them from a voter that has the entry, which
///   refuses who has it not; and the same holds among the n + 1, where the holders are a majority.
/// - It does not get worse with the next change: a leader begins one only once an entry of its own epoch is committed
///   by the voters of then, and the majority that has this entry has all before it. So an entry is held by a majority
///   of voters that differ in one at most from those who count.
struct MajorityHasCommitted: QuorumInvariant {
    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard let last = truth.committed.last else { return nil }
        let index = truth.committed.count - 1
        let holders = truth.nodes.filter { $0.disk.durableEnd > index && $0.disk.entries[index] == last }
        if holders.isEmpty { return "no disk holds the committed entry at offset \(index)" }
        let isSafe = MajorityHasCommitted.sets(of: truth).contains { voters in
            let having = voters.all.count { voter in holders.contains { voter.admits($0.key) } }
            return voters.all.count - having - truth.excused(voters, at: index) < voters.majority
        }
        return isSafe ? nil : "the committed entry at offset \(index) is on disks of \(holders.map(\.id)) only"
    }

    private static func sets(of truth: QuorumTruth) -> [VoterSet] {
        var sets = [truth.committedVoters[truth.committedVoters.count - 1]]
        for voters in truth.nodes.compactMap(\.disk.voters) where !sets.contains(voters) { sets.append(voters) }
        return sets
    }
}
