import Primitives

/// What a client was told to be written is committed where it was told.
struct AcknowledgedIsCommitted: QuorumInvariant {
    private var checked = 0

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        // Committed entries never change (a rule of its own), so each acknowledgement is looked at once.
        for (offset, value) in truth.acknowledged.dropFirst(checked) {
            guard offset < truth.committed.count, truth.committed[offset].value == value else {
                return "value \(value) is acknowledged at offset \(offset), where it is not committed"
            }
        }
        checked = truth.acknowledged.count
        return nil
    }
}
