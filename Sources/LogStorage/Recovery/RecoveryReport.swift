package import Primitives

/// What is known about a log before it is opened, from the checkpoints of its directory.
package struct RecoveryStart: Hashable, Sendable {
    /// Whether `.kafka_cleanshutdown` stood in the directory: nothing is scanned then.
    package var wasCleanShutdown: Bool
    /// From `recovery-point-offset-checkpoint`: everything below was flushed. Zero when unknown.
    package var recoveryPoint: Offset
    /// From `log-start-offset-checkpoint`. Zero when unknown.
    package var logStartOffset: Offset
    /// From `cleaner-offset-checkpoint`. Zero when unknown.
    package var cleanedEndOffset: Offset
    /// From `replication-offset-checkpoint`: everything below was committed. Nil for a log whose stable end nobody asks
    /// for.
    package var highWatermark: Offset?

    package init(
        wasCleanShutdown: Bool, recoveryPoint: Offset = .zero, logStartOffset: Offset = .zero,
        cleanedEndOffset: Offset = .zero, highWatermark: Offset? = nil
    ) {
        self.wasCleanShutdown = wasCleanShutdown
        self.recoveryPoint = recoveryPoint
        self.logStartOffset = logStartOffset
        self.cleanedEndOffset = cleanedEndOffset
        self.highWatermark = highWatermark
    }

    /// A log that does not exist yet, or is known to be clean.
    package static let clean = RecoveryStart(wasCleanShutdown: true)
}

/// What opening a log found and repaired, for the start-up log.
package struct RecoveryReport: Hashable, Sendable {
    package var segments = 0
    package var scannedBytes: Int64 = 0
    /// Bytes behind the last whole batch that were cut off.
    package var truncatedBytes: Int64 = 0
    package var removedSegments = 0
    /// Compacted segments whose putting in place a crash had interrupted.
    package var finishedSwaps = 0
    package var rebuiltIndexes = 0
    /// Batches read to rebuild producer state behind the newest usable snapshot.
    package var replayedBatches = 0
    /// Snapshots and checkpoints that were unreadable and were rebuilt or skipped.
    package var ignoredFiles: [String] = []

    package init() {}
}
