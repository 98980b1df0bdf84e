import LogStorage
import Primitives
import Synchronization

/// One compaction under way. One thread of the pool at a time works on it.
final class CleaningJob: Sendable {
    let partition: Partition
    let source: CompactionSource
    let settings: CleanerSettings
    let began: MonotonicInstant
    /// How much longer than `max.compaction.lag.ms` its oldest record has waited.
    let overdueMilliseconds: Int64
    let compaction: Mutex<LogCompaction>
    private let bytes = Mutex(Int64(0))

    init(
        _ partition: Partition, _ candidate: CleaningCandidate, _ compaction: LogCompaction,
        _ settings: CleanerSettings, began: MonotonicInstant
    ) {
        self.partition = partition
        source = candidate.source
        overdueMilliseconds = candidate.overdueMilliseconds
        self.settings = settings
        self.began = began
        self.compaction = Mutex(compaction)
    }

    /// How long to wait after `more` bytes, so that all jobs together keep to `log.cleaner.io.max.bytes.per.second`.
    func pauseMilliseconds(after more: Int64, now: MonotonicInstant) -> Int64 {
        guard let pace = settings.bytesPerSecondMax else { return 0 }
        let total = bytes.withLock { bytes in
            bytes += more
            return bytes
        }
        let due = Double(total) * 1_000 * Double(settings.threads) / pace
        let ahead = due - Double(now.milliseconds(since: began))
        return ahead > 0 ? Int64(min(ahead, CleaningJob.pauseMillisecondsMax)) : 0
    }

    /// A changed pace is seen after so long.
    private static let pauseMillisecondsMax = 60_000.0
}

/// A log that could be compacted now.
struct CleaningCandidate: Sendable {
    let partition: Partition
    let source: CompactionSource
    let overdueMilliseconds: Int64
    let ratio: Double
    let leastRatio: Double

    var isDue: Bool { overdueMilliseconds > 0 || ratio > leastRatio }

    /// Those that are overdue come first, then the dirtiest.
    func precedes(_ other: CleaningCandidate) -> Bool {
        (overdueMilliseconds > 0 ? 1 : 0, ratio) > (other.overdueMilliseconds > 0 ? 1 : 0, other.ratio)
    }
}
