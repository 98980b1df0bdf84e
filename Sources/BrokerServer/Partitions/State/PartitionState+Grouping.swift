import LogStorage
import Primitives
import Replication

/// What a leader holds back for a moment, so that all of it is flushed together (`FlushGroup`).
extension PartitionState {
    /// The end up to which followers in sync are given the log; nil where they are given all of it.
    var endGivenToInSync: Offset? { settings.flushesOnAck && leader != nil ? group.released : nil }

    /// Whether a follower gets what others get too, to flush it with them: not one that has to catch up.
    func isGrouped(_ follower: BrokerID) -> Bool {
        settings.flushesOnAck && leader?.inSync.contains(follower) == true
    }

    /// Whether this leader has flushed all that is to be flushed for now.
    var isGroupFlushed: Bool {
        guard let released = endGivenToInSync, let end = log?.logEndOffset, let flushed = log?.flushedEndOffset else {
            return false
        }
        return released < end && released <= flushed
    }

    /// Looks whether what is held back may go; to be called after each step that says something about it.
    mutating func regroup(now: MonotonicInstant, _ after: inout Aftermath) {
        guard settings.flushesOnAck, leader != nil, let end = log?.logEndOffset, let flushed = log?.flushedEndOffset
        else { return }
        group.caughtUp(to: flushed, now: now)
        let view = FlushGroup.View(logEnd: end, oldestRequired: parkedProduces.first?.required)
        switch group.step(view, now: now) {
        case .nothing: break
        case .released:
            after.wantsFlush = true
            if let waited = group.waitedNanoseconds { after.groupWaitNanoseconds = waited }
            wakeFetches(&after)
        case .held(let until):
            if let groupAlarm, groupAlarm <= until { return }
            groupAlarm = until
            after.groupAlarm = until
        }
    }
}
