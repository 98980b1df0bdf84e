import Primitives
import Quorum

/// A log has at most one change of the voters that is not committed: with two, majorities of the voters before and
/// behind them need not overlap (KIP-853).
struct OneOpenChange: QuorumInvariant {
    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard truth.isDynamic else { return nil }
        let open = node.disk.entries.dropFirst(truth.committed.count).count { entry in
            if case .voters? = entry.change { true } else { false }
        }
        return open <= 1 ? nil : "node \(node.id) has \(open) changes of the voters, and none is committed"
    }
}
