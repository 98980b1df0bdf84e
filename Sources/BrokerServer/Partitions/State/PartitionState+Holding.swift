import LogStorage
import Primitives
import Replication

/// A log that nothing is appended to, nor changed otherwise, while its replica changes its directory. It can be read.
extension PartitionState {
    var isHeld: Bool { held != nil }

    /// Begins to hold; false where the log can't be held now.
    mutating func beginHold(_ after: inout Aftermath) -> Bool {
        guard isOpen, damage == nil else { return false }
        if let errand {
            // One that was not begun gives its hold away. What a follower received comes again.
            guard !errand.isBegun, !errand.missesAssignment else { return false }
            self.errand = nil
            return true
        }
        guard !isHeld else { return false }
        held = []
        heldBytes = 0
        if follower != nil { after.following = .stop }
        return true
    }

    /// Keeps what producers sent, in its order, until the log goes on.
    mutating func hold(_ incoming: [Incoming], _ after: inout Aftermath) {
        for item in incoming {
            guard heldBytes + item.batch.count <= PartitionState.heldBytesMax || item.isPromised else {
                refuse([item], .kafkaStorageError, &after)
                continue
            }
            held?.append(item)
            heldBytes += item.batch.count
            if !item.isPromised { errand?.promisedEnd = nil }
        }
    }

    /// Goes on with what came meanwhile, before anything else can come.
    ///
    /// - Parameter promisedEnd: where the log ends with it, as far as a coordinator was told.
    mutating func endHold(
        timeOfDay: Timestamp, now: MonotonicInstant, promisedEnd: Offset? = nil, _ after: inout Aftermath
    ) {
        guard var waiting = held else { return }
        if !waiting.isEmpty, isOpen, leader != nil, disk.handsOver {
            errandCount += 1
            errand = LogErrand(errandCount, promisedEnd: promisedEnd)
            after.wantsErrand = true
            return
        }
        held = nil
        heldBytes = 0
        if follower != nil, !isDiskFull, let leader = assignment.leader { after.following = .start(leader: leader) }
        if isDiskFull, leader != nil {
            refuse(waiting.filter { !$0.isPromised }, .kafkaStorageError, &after)
            waiting.removeAll { !$0.isPromised }
        }
        if !waiting.isEmpty { append(waiting, timeOfDay: timeOfDay, now: now, &after) }
        if settings.flushesOnAck { after.wantsFlush = true }
    }

    /// Nobody waits any longer for the log to go on.
    ///
    /// - Parameter isLeader: this replica leads on. What a coordinator was told to be in the log is written then: it
    ///   would wait for its commit for ever, or take the next record for it.
    mutating func failHeld(_ error: ErrorCode, isLeader: Bool, _ after: inout Aftermath) {
        guard let waiting = held, !waiting.isEmpty else { return }
        let kept = isLeader ? waiting.filter(\.isPromised) : []
        held = kept
        heldBytes = kept.reduce(0) { $0 + $1.batch.count }
        refuse(isLeader ? waiting.filter { !$0.isPromised } : waiting, error, &after)
    }

    /// The copy of a held log takes its place; false where the log is gone.
    mutating func replaceLog(by copy: PartitionLog, now: MonotonicInstant, _ after: inout Aftermath) -> Bool {
        guard isHeld, let former = log else { return false }
        var next = copy
        next.configuration = settings.log
        next.succeed(former)
        enter(next)
        flushed(now: now, &after)
        return true
    }
}
