import Primitives

/// What the cleaner has done, for the metrics: the newest of each as Kafka tells it, and sums.
struct CleanerFigures: Sendable {
    /// One compaction of one log.
    struct Run: Sendable {
        var milliseconds: Int64 = 0
        var bytesRead: Int64 = 0
        var bytesWritten: Int64 = 0
        var mapUtilization = 0.0
        var delayMilliseconds: Int64 = 0

        /// Bytes written for the bytes read, in percent.
        var recopyPercent: Double { bytesRead == 0 ? 0 : 100 * Double(bytesWritten) / Double(bytesRead) }
    }

    private(set) var last: Run?
    private(set) var runs: UInt64 = 0
    private(set) var failedRuns: UInt64 = 0
    private(set) var bytesRead: UInt64 = 0
    private(set) var bytesWritten: UInt64 = 0
    private(set) var recordsRemoved: UInt64 = 0
    private(set) var keylessRecords: UInt64 = 0
    /// Of the log that was dirtiest at the last look, from 0 to 1.
    var dirtyRatioMax = 0.0

    mutating func succeeded(_ run: Run, recordsRemoved removed: Int64, keyless: Int64) {
        last = run
        runs += 1
        bytesRead += UInt64(max(run.bytesRead, 0))
        bytesWritten += UInt64(max(run.bytesWritten, 0))
        recordsRemoved += UInt64(max(removed, 0))
        keylessRecords += UInt64(max(keyless, 0))
    }

    mutating func failed() { failedRuns += 1 }
}
