import LogStorage
import Primitives
import Synchronization
import World

extension Partition {
    /// Runs a step on the log itself, if it is open; a failed write takes it offline.
    private func onLog<Result>(
        _ body: (inout PartitionLog, _ highWatermark: Offset) throws(StorageError) -> Result
    ) -> Result? {
        step { state, after in
            guard case .open(var log) = state.storage else { return nil }
            let watermark = state.highWatermark
            state.storage = .opening
            do throws(StorageError) {
                let result = try body(&log, watermark)
                state.storage = .open(log)
                return result
            } catch {
                state.storage = .open(log)
                if error.takesDirectoryOffline {
                    after.failure = LogFailure(directory: log.directory, reason: "\(error)")
                    state.goOffline("\(error)", &after)
                }
                return nil
            }
        }
    }

    /// Drops what retention no longer keeps; the files are renamed already and wait to be removed. Blocks.
    func enforceRetention() -> [SegmentRemoval] {
        let now = services.clock.timeOfDay
        return onLog { (log, watermark) throws(StorageError) in
            log.expireProducers(now: now)
            try log.rollIfDue(now: now)
            return try log.enforceRetention(highWatermark: watermark, now: now)
        } ?? []
    }

    /// The directory's checkpoint holds the recovery point now. Blocks.
    func recoveryPointWasSaved(_ offset: Offset) {
        _ = onLog { (log, _) throws(StorageError) in try log.recoveryPointWasSaved(offset) }
    }

    /// Closes the log in order, all of it flushed; blocks. What waits is told to look elsewhere.
    func shutDown() {
        step { state, after in
            state.failAllWaiting(.notLeaderOrFollower, &after)
            state.checkpointedHighWatermark = state.highWatermark
            state.role = .idle
        }
        let failure: LogFailure? = state.withLock { state in
            guard case .open(var log) = state.storage else { return nil }
            state.storage = .closed
            do throws(StorageError) { try log.close() } catch {
                return LogFailure(directory: log.directory, reason: "\(error)")
            }
            return nil
        }
        if let failure { services.logFailed(failure) }
    }

    /// The replica is removed: nobody waits any longer, nothing is written any more.
    func close(_ error: ErrorCode) {
        step { state, after in
            state.failAllWaiting(error, &after)
            if case .open(var log) = state.storage { log.abandon() }
            state.storage = .closed
            state.role = .idle
        }
    }
}
