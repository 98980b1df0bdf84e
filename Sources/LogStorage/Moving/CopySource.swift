package import Primitives
import World

/// What a log has for whoever copies it into another directory: taken under the partition's lock, read without it.
package struct CopySource: Sendable {
    /// What follows in the log; empty at its end.
    package let slice: LogSlice
    package let logStart: Offset
    /// Exclusive.
    package let logEnd: Offset
    let epochs: LeaderEpochs
    /// A log that was cut since is not what this describes.
    let generation: Int

    /// Whether the copy has all once it has taken the slice.
    package var isLast: Bool { slice.isEmpty || slice.endOffset >= logEnd }
}

extension PartitionLog {
    /// What stands from `offset` on, or from the start of the log where that lies behind it.
    package mutating func copySource(from offset: Offset, maxBytes: Int) throws(StorageError) -> CopySource {
        // A copy that reaches further than the log is cut first.
        let from = min(max(offset, logStartOffset), logEndOffset)
        return CopySource(
            slice: try read(from: from, maxBytes: maxBytes, upTo: logEndOffset, minOneMessage: true),
            logStart: logStartOffset, logEnd: logEndOffset, epochs: epochs, generation: ledger.generation)
    }

    /// Whether the log was not cut since: what was read of it meanwhile is what it holds.
    package func isUncut(since source: CopySource) -> Bool { ledger.generation == source.generation }
}
