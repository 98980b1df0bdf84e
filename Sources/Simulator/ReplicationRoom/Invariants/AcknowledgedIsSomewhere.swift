import Primitives

/// INV-5: what was acknowledged is committed, unchanged, and with flush.on.ack on at least one disk.
struct AcknowledgedIsSomewhere: ReplicationInvariant {
    private var checked = 0

    mutating func violation(in truth: ReplicationTruth) -> String? {
        while checked < truth.acknowledged.count {
            let (offset, value) = truth.acknowledged[checked]
            guard offset < truth.committed.count, truth.committed[offset].value == value else {
                return "INV-5: value \(value) was acknowledged at \(offset) and is not committed there"
            }
            checked += 1
        }
        guard let last = truth.committed.last else { return nil }
        let end = truth.trueHighWatermark
        let isKept = truth.nodes.contains { node in
            let durable = truth.flushesOnAck ? node.disk.flushed : node.disk.end
            return durable >= end && node.disk.chain(below: end) == last.chain
        }
        return isKept ? nil : "INV-5: no replica has all of what is committed up to \(end)"
    }
}
