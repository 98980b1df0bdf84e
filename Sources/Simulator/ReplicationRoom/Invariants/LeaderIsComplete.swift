import Primitives

/// INV-2: the current leader has all that is committed.
struct LeaderIsComplete: ReplicationInvariant {
    func violation(in truth: ReplicationTruth) -> String? {
        for node in truth.nodes where truth.isCurrentLeader(node) {
            let end = truth.trueHighWatermark
            if node.disk.end < end { return "INV-2: leader \(node.id) ends at \(node.disk.end), \(end) is committed" }
            if node.disk.chain(below: end) != truth.committed.last?.chain ?? 0 {
                return "INV-2: leader \(node.id) has other records than the committed ones"
            }
        }
        return nil
    }
}
