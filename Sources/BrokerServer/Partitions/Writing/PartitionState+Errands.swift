import LogStorage
import Primitives
import Replication

/// A log on a slow disk: it is written by errands.
extension PartitionState {
    /// Bytes that wait to be written at most; beyond them producers are refused, and send again.
    static let heldBytesMax = 64 << 20

    /// Begins an errand; `runErrand` of the partition goes on with it.
    mutating func beginErrand(received: ReceivedRecords? = nil) {
        precondition(!isHeld, "an errand for a log that is held")
        errandCount += 1
        errand = LogErrand(errandCount, received: received, promisedEnd: log?.logEndOffset)
        held = []
        heldBytes = 0
    }

    /// Has what producers sent written by the disk's threads.
    mutating func handOver(_ incoming: [Incoming], _ after: inout Aftermath) {
        beginErrand()
        hold(incoming, &after)
        after.wantsErrand = true
    }

    /// The same for what a coordinator appends, which is told where it will stand; nil where that can't be said.
    mutating func promise(_ incoming: Incoming, recordCount: Int64, _ after: inout Aftermath) -> Offset? {
        guard Int64(incoming.batch.count) <= settings.log.segmentBytes else { return nil }
        if !isHeld {
            beginErrand()
            after.wantsErrand = true
        }
        guard let start = errand?.promisedEnd, heldBytes + incoming.batch.count <= PartitionState.heldBytesMax else {
            return nil
        }
        hold([incoming], &after)
        let end = start + recordCount
        errand?.promisedEnd = end
        return end
    }

    /// The write that is next; nil where the log is gone, another has the hold, or it was begun: of two writes of one
    /// errand the second would begin where the first did.
    mutating func nextWrite(_ number: UInt64, refusal: ErrorCode?, _ after: inout Aftermath) -> LogWrite? {
        guard errand?.number == number, errand?.isBegun == false, let log else { return nil }
        errand?.isBegun = true
        if let received = errand?.received { return LogWrite(number, .received(received), log) }
        var waiting = held ?? []
        held = []
        heldBytes = 0
        // Who gave up waiting sends again.
        waiting.removeAll { $0.waitsForReplicas && !$0.isPromised && !$0.request.isWaiting }
        if let refusal {
            refuse(waiting.filter { !$0.isPromised }, refusal, &after)
            waiting.removeAll { !$0.isPromised }
        }
        let admitted = admit(waiting, &after)
        errand?.endingProducers = Set(waiting.compactMap { $0.marker?.producerID })
        return LogWrite(number, .produced(admitted?.incoming ?? [], admitted?.epoch ?? assignment.leaderEpoch), log)
    }

    /// All of a write is in the files; false where nobody waits for it any more.
    mutating func wrote(_ write: LogWrite) {
        if errand?.number == write.number { errand?.written = write.log }
    }

    /// The copy that was written takes the place of the log.
    mutating func rejoin() {
        guard var written = errand?.written.take(), let log, let flushed = errand?.flushed else { return }
        written.rejoin(log, flushed: flushed)
        self.log = written
    }

    /// Does what follows from a write that came back, and lets the log go on.
    ///
    /// - Returns: false where a leader sent what can't be appended: the errand is to be ended in a while.
    mutating func settle(
        _ write: LogWrite, _ outcome: LogWrite.Outcome, me: BrokerID, timeOfDay: Timestamp, now: MonotonicInstant,
        _ after: inout Aftermath
    ) -> Bool {
        guard errand?.number == write.number, log != nil else {
            // The log is gone: nobody can tell whether this lasts.
            refuse(write.incoming, leaderRefusal(requested: nil) ?? .notLeaderOrFollower, &after)
            return true
        }
        hearFollowers()
        rejoin()
        switch (outcome, write.load) {
        case (.appended(let outcomes), _): appended(write.incoming, outcomes, now: now, &after)
        case (.followed(let removals), .received(let received)):
            after.removals += removals
            followed(received, &after)
        case (.followed, .produced): preconditionFailure("a leader's write ended as a follower's")
        case (.failed(let error), _):
            refuse(write.incoming, .kafkaStorageError, &after)
            guard case .received = write.load, !error.takesDirectoryOffline else {
                logFailed(error, &after)
                return true
            }
            _ = failedRead(error, &after)
            return false
        }
        endErrand(me: me, timeOfDay: timeOfDay, now: now, &after)
        return true
    }

    /// The log goes on as any other, or with the next errand.
    mutating func endErrand(me: BrokerID, timeOfDay: Timestamp, now: MonotonicInstant, _ after: inout Aftermath) {
        guard let ended = errand else { return }
        errand?.missesAssignment = false
        if ended.missesAssignment { applyAssignment(me: me, now: now, &after) }
        guard errand != nil else { return }
        errand = nil
        endHold(timeOfDay: timeOfDay, now: now, promisedEnd: ended.promisedEnd, &after)
    }

    /// The log is gone, and with it what was done for it.
    mutating func dropErrand() {
        guard errand != nil else { return }
        errand = nil
        held = nil
        heldBytes = 0
    }
}
