import LogStorage
import Primitives
import Synchronization
import World

extension Partition {
    /// Runs a step on the log itself, if it is open and not held; a failed write takes it offline. Blocks: where the
    /// disk is slow nobody who asks the partition may wait for it, and the step is done on a copy.
    func onLog<Result: Sendable>(
        unlessMoving: Bool = false, inMemory: Bool = false,
        _ body: (inout PartitionLog, _ highWatermark: Offset) throws(StorageError) -> Result
    ) -> Result? {
        if !inMemory, disk.handsOver { return onCopy(unlessMoving: unlessMoving, body) }
        return step { state, after in
            guard state.log != nil, !state.isHeld, !(unlessMoving && state.isMoving) else { return nil }
            let watermark = state.highWatermark
            do throws(StorageError) {
                return try body(&state.log!, watermark)
            } catch {
                _ = state.failedRead(error, &after)
                return nil
            }
        }
    }

    /// Drops what retention no longer keeps; the files are renamed already and wait to be removed. Blocks.
    func enforceRetention() -> [SegmentRemoval] {
        let now = services.clock.timeOfDay
        return onLog { (log, watermark) throws(StorageError) in
            try log.rollIfDue(now: now)
            return try log.enforceRetention(highWatermark: watermark, now: now)
        } ?? []
    }

    /// Forgets producers that were silent too long. Blocks.
    func expireProducers() {
        let (now, instant) = (services.clock.timeOfDay, services.clock.now)
        _ = onLog(inMemory: true) { (log, _) throws(StorageError) in log.expireProducers(now: now, at: instant) }
    }

    /// What was read or written a while ago is checked again before it is sent.
    func ageTrust() {
        let now = services.clock.now
        state.withLock { $0.log?.ageTrust(now: now) }
    }

    /// Starts a flush where `flush.ms` asks for one.
    func flushIfOverdue() {
        let now = services.clock.now
        let isOverdue = state.withLock { state in
            state.settings.flushMillisecondsMax < Int64.max && state.isFlushOverdue(now: now)
        }
        if isOverdue { startFlush() }
    }

    /// The directory's checkpoint holds the recovery point now. Blocks.
    func recoveryPointWasSaved(_ offset: Offset) {
        guard state.withLock({ $0.log?.awaitsRecoveryPoint ?? false }) else { return }
        _ = onLog { (log, _) throws(StorageError) in try log.recoveryPointWasSaved(offset) }
    }

    /// Closes the log in order, all of it flushed; blocks. What waits is told to look elsewhere.
    func shutDown() {
        step { state, after in
            state.failAllWaiting(.notLeaderOrFollower, &after)
            state.checkpointedHighWatermark = state.highWatermark
            state.leader = nil
            state.follower = nil
        }
        // A write of an errand that is under way comes to its end first.
        let failure = onDirectoryForWriting {
            state.withLock { state -> LogFailure? in
                state.rejoin()
                guard var log = state.leaveLog(.closed) else { return nil }
                do throws(StorageError) { try log.close() } catch {
                    return LogFailure(directory: log.directory, reason: "\(error)")
                }
                return nil
            }
        }
        if case let failure?? = failure { services.logFailed(failure) }
    }

    /// The replica is removed: nobody waits any longer, nothing is written any more.
    func close(_ error: ErrorCode) {
        step { state, after in
            state.failAllWaiting(error, &after)
            var last = state.leaveLog(.closed)
            last?.abandon()
            state.leader = nil
            state.follower = nil
        }
        let watches = state.withLock { $0.leaveWatches() }
        for watch in watches { watch.session.release(watch) }
    }
}
