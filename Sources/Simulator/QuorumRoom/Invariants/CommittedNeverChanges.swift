import Primitives
import Quorum

/// What any node calls committed is the same at every offset, on every node, for ever.
struct CommittedNeverChanges: QuorumInvariant {
    private var checked: [BrokerID: (generation: Int, end: Int)] = [:]

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard let end = node.replica?.highWatermark.map({ Int($0.value) }) else { return nil }
        let before = checked[node.id]
        let from = before?.generation == node.disk.generation ? min(before?.end ?? 0, end) : 0
        guard end <= node.disk.entries.count else {
            return "node \(node.id) calls \(end) entries committed and has \(node.disk.entries.count)"
        }
        for offset in from..<max(end, from) where node.disk.entries[offset] != truth.committed[offset] {
            return "node \(node.id) has another committed entry at offset \(offset)"
        }
        checked[node.id] = (node.disk.generation, end)
        return nil
    }
}
