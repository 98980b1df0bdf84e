import Primitives
import Quorum

/// A leader's high watermark is never below that of a leader before it.
struct LeaderHighWatermarkNeverDecreases: QuorumInvariant {
    private var highest: (epoch: LeaderEpoch, offset: Offset) = (.zero, .zero)

    mutating func violation(in truth: QuorumTruth, at node: QuorumNode) -> String? {
        guard let leading = node.replica?.role.leading, let mark = leading.highWatermark else { return nil }
        if leading.epoch >= highest.epoch {
            if mark < highest.offset {
                return "leader \(node.id) of epoch \(leading.epoch) is at \(mark), it was at \(highest.offset)"
            }
            highest = (leading.epoch, mark)
        }
        return nil
    }
}
