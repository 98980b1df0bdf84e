package import Primitives

/// The name of a metadata snapshot: the offset after its last record (20 digits) and the epoch of that record (10).
package struct SnapshotFileName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// How far a snapshot has come.
    package enum Stage: String, CaseIterable, Hashable, Sendable {
        case complete = ".checkpoint"
        /// Being written or fetched.
        case partial = ".checkpoint.part"
        case deleted = ".checkpoint.deleted"
    }

    /// Exclusive.
    package let endOffset: Offset
    package let epoch: LeaderEpoch
    package let stage: Stage

    package init(endOffset: Offset, epoch: LeaderEpoch, stage: Stage = .complete) {
        self.endOffset = endOffset
        self.epoch = epoch
        self.stage = stage
    }

    package static func < (left: SnapshotFileName, right: SnapshotFileName) -> Bool {
        (left.endOffset, left.epoch) < (right.endOffset, right.epoch)
    }

    package var description: String {
        SegmentFileName.padded(endOffset.value, width: 20) + "-"
            + SegmentFileName.padded(Int64(epoch.value), width: 10) + stage.rawValue
    }

    /// Nil for any other name.
    package init?(_ name: String) {
        for stage in Stage.allCases where name.hasSuffix(stage.rawValue) {
            let numbers = name.dropLast(stage.rawValue.utf8.count).split(
                separator: "-", omittingEmptySubsequences: false)
            guard numbers.count == 2, numbers[0].utf8.count == 20, numbers[1].utf8.count == 10,
                numbers.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
                let end = Int64(numbers[0]), let epoch = Int32(numbers[1])
            else { continue }
            self.init(endOffset: Offset(end), epoch: LeaderEpoch(epoch), stage: stage)
            return
        }
        return nil
    }
}
