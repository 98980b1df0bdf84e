import Primitives

/// INV-1: any two replicas agree below the lower of their high watermarks; INV-4: and with what was ever committed.
struct LogsMatchBelowHighWatermark: ReplicationInvariant {
    func violation(in truth: ReplicationTruth) -> String? {
        for node in truth.nodes where node.isUp {
            let end = min(node.highWatermark, truth.trueHighWatermark)
            guard node.highWatermark <= node.disk.end else { return "INV-1: \(node.id) has a watermark beyond its log" }
            let expected = end == .zero ? 0 : truth.committed[Int(end.value) - 1].chain
            if node.disk.chain(below: end) != expected {
                return "INV-1/4: \(node.id) differs below \(end) from what is committed"
            }
        }
        return nil
    }
}
