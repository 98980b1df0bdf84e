import LogStorage
import Primitives
import Synchronization
import World

extension Partition {
    /// What of the log can be compacted now; nil where nothing is, or the log is not open.
    func compactionSource(now: Timestamp) -> CompactionSource? {
        state.withLock { state in
            let watermark = state.highWatermark
            // A copy that was begun before would keep what a tombstone that is gone has deleted.
            if state.isMoving { return nil }
            return state.log?.compactionSource(highWatermark: watermark, now: now)
        }
    }

    /// Closes the segment that is written where its first record is older than `max.compaction.lag.ms`: retention looks
    /// too seldom for that. Renames and makes files.
    func rollIfOverdue(now: Timestamp) {
        guard settings.log.maxCompactionLagMilliseconds < Int64.max else { return }
        _ = onLog { (log, _) throws(StorageError) in try log.rollIfDue(now: now) }
    }

    /// Puts a compacted segment in place; false when the log is no longer what it was made of. Renames files.
    func replace(with cleaned: CleanedSegment) -> Bool {
        let result = onLog(unlessMoving: true) { (log, _) throws(StorageError) in try log.replace(with: cleaned) }
        guard let removals = result ?? nil else { return false }
        let (pool, files) = (disk.pool, services.files)
        services.timers.schedule(afterMilliseconds: settings.deleteDelayMilliseconds) {
            pool.run {
                do throws(FileError) { for removal in removals { try removal.run(files) } } catch {
                    self.diskFailed(error)
                }
            }
        }
        startFlush()
        return true
    }

    /// All below `end` is compacted, unless the log was cut meanwhile.
    func compacted(upTo end: Offset, _ source: CompactionSource) {
        state.withLock { state in
            if state.log?.isUncut(since: source) == true { state.log?.compacted(upTo: end) }
        }
    }

    /// Whether the log is open and was not cut since.
    func isUncut(since source: CompactionSource) -> Bool {
        state.withLock { $0.log?.isUncut(since: source) ?? false }
    }

    /// A read or write beside the log's own failed: the directory goes offline, as with any other.
    func diskFailed(_ error: FileError) {
        step { state, after in
            guard state.log != nil else { return }
            state.log?.fail(error)
            state.logFailed(.file(error), &after)
        }
    }
}
