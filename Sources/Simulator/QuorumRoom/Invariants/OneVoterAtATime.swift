import Primitives
import Quorum

/// From one committed set of voters to the next at most one voter comes, or one goes: majorities of both overlap.
struct OneVoterAtATime: QuorumInvariant {
    private var checked = 1

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        while checked < truth.committedVoters.count {
            let (before, after) = (truth.committedVoters[checked - 1], truth.committedVoters[checked])
            let come = after.all.filter { !before.contains($0) }
            let gone = before.all.filter { !after.contains($0) }
            if come.count + gone.count > 1 { return "the voters went from \(before.all) to \(after.all) at once" }
            if after.isEmpty { return "the last voter was removed" }
            checked += 1
        }
        return nil
    }
}
