import LogStorage
import Primitives
import Synchronization
import World

extension Partition {
    /// How long an errand for a replica on its way to another directory lets the move have its hold first.
    private static let moveFirstMilliseconds: Int64 = 50

    /// The pause of a follower that was sent what can't be appended.
    private static let refusedPauseMilliseconds: Int64 = 1_000

    /// Has the disk's threads write what the errand is for.
    func runErrand() {
        let (number, isMoving) = state.withLock { ($0.errand?.number, $0.isMoving) }
        guard let number else { return }
        let disk = disk
        disk.handedOver.wrappingAdd(1, ordering: .relaxed)
        guard isMoving else { return disk.pool.run { self.write(number) } }
        services.timers.schedule(afterMilliseconds: Partition.moveFirstMilliseconds) {
            disk.pool.run { self.write(number) }
        }
    }

    /// Does a write; blocks. What follows from it is done where nothing waits for a disk.
    private func write(_ number: UInt64) {
        let disk = disk
        var outcome: LogWrite.Outcome?
        let write = onDirectoryForWriting { () -> LogWrite? in
            guard var write = nextWrite(number) else { return nil }
            if write.isEmpty {
                outcome = .appended([])
                return write
            }
            let begun = services.clock.now
            let watched = disk.flushes.began(at: begun)
            outcome = write.run(timeOfDay: services.clock.timeOfDay)
            let ended = services.clock.now
            disk.flushes.ended(watched, at: ended)
            disk.wrote(from: begun, to: ended)
            let done = write
            state.withLock { $0.wrote(done) }
            return done
        }
        guard case let write?? = write, let outcome else { return }
        let done = outcome
        services.groupTimers(id).execute { self.settle(write, done) }
    }

    private func nextWrite(_ number: UInt64) -> LogWrite? {
        let now = services.clock.now
        let isControllerLost = services.contact.isLost(now: now)
        return step { state, after in
            var refusal: ErrorCode?
            // Before the append: what is appended by a leader that is cut off may be cut away again.
            if isControllerLost, state.isCutOff(services.contact, now: now) { refusal = .notLeaderOrFollower }
            if state.isDiskFull, state.leader != nil { refusal = .kafkaStorageError }
            return state.nextWrite(number, refusal: refusal, &after)
        }
    }

    private func settle(_ write: LogWrite, _ outcome: LogWrite.Outcome) {
        let (me, now, timeOfDay) = (services.me, services.clock.now, services.clock.timeOfDay)
        let isOver = step { state, after in
            state.settle(write, outcome, me: me, timeOfDay: timeOfDay, now: now, &after)
        }
        if isOver { return }
        services.timers.schedule(afterMilliseconds: Partition.refusedPauseMilliseconds) { [weak self] in
            self?.endErrand(write.number)
        }
    }

    private func endErrand(_ number: UInt64) {
        let (me, now, timeOfDay) = (services.me, services.clock.now, services.clock.timeOfDay)
        step { state, after in
            guard state.errand?.number == number else { return }
            state.endErrand(me: me, timeOfDay: timeOfDay, now: now, &after)
        }
    }

    /// Runs a step on a copy of the log, which takes its place then; nil where the log is not open or held. Blocks.
    func onCopy<Result: Sendable>(
        unlessMoving: Bool,
        _ body: (inout PartitionLog, _ highWatermark: Offset) throws(StorageError) -> Result
    ) -> Result? {
        let (me, clock) = (services.me, services.clock)
        return onDirectoryForWriting { () -> Result? in
            let begun = step { state, after in state.beginChore(unlessMoving: unlessMoving, &after) }
            guard let begun else { return nil }
            var copy = begun.log
            var result: Result?
            var failure: StorageError?
            do throws(StorageError) { result = try body(&copy, begun.highWatermark) } catch { failure = error }
            let (written, failed) = (copy, failure)
            step { state, after in
                guard state.errand?.number == begun.number, state.log != nil else { return }
                state.errand?.written = written
                state.rejoin()
                if let failed { _ = state.failedRead(failed, &after) }
                state.endErrand(me: me, timeOfDay: clock.timeOfDay, now: clock.now, &after)
            }
            return result
        } ?? nil
    }
}

/// A chore on a copy of a log.
struct LogChore {
    let number: UInt64
    let log: PartitionLog
    let highWatermark: Offset
}

extension PartitionState {
    /// Holds the log for a chore; nil where it is not open or held.
    fileprivate mutating func beginChore(unlessMoving: Bool, _ after: inout Aftermath) -> LogChore? {
        guard let log, !isHeld, !(unlessMoving && isMoving) else { return nil }
        beginErrand()
        errand?.isBegun = true
        if follower != nil { after.following = .stop }
        return LogChore(number: errandCount, log: log, highWatermark: highWatermark)
    }
}
