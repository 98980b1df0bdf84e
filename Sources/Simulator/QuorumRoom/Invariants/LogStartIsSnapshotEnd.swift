import Primitives
import Quorum

/// A log begins at the end of a snapshot, and the core's epochs are those of the entries.
struct LogStartIsSnapshotEnd: QuorumInvariant {
    private var checked: [BrokerID: (generation: Int, start: Offset)] = [:]

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard let replica = node.replica else { return nil }
        if replica.log.startSnapshot != node.disk.startSnapshot {
            return "node \(node.id) believes that its log begins at \(replica.log.start)"
        }
        let mark = (node.disk.generation, replica.log.start)
        // What an append adds is looked at by `MemoryIsDisk`.
        if let before = checked[node.id], before == mark { return nil }
        checked[node.id] = mark
        if replica.log.epochs != node.disk.view.epochs { return "node \(node.id) has wrong epoch starts" }
        return nil
    }
}
