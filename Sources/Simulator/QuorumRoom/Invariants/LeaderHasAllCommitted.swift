import Primitives
import Quorum

/// The leader of the latest epoch that has one holds every committed entry.
struct LeaderHasAllCommitted: QuorumInvariant {
    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        var latest: QuorumNode?
        for node in truth.nodes {
            guard let epoch = node.replica?.role.leading?.epoch else { continue }
            if latest?.replica?.election.epoch ?? .zero < epoch { latest = node }
        }
        // A leader of a later epoch may have fallen already: then this one is old and may lack what that one committed.
        guard let latest, let last = truth.committed.last, let epoch = latest.replica?.election.epoch,
            truth.leaders.keys.allSatisfy({ $0 <= epoch })
        else { return nil }
        let index = truth.committed.count - 1
        guard index < latest.disk.entries.count, latest.disk.entries[index] == last else {
            return "leader \(latest.id) of epoch \(epoch) lacks the committed entry at offset \(index)"
        }
        return nil
    }
}
