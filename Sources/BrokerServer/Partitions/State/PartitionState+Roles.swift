import LogStorage
import Primitives
import Replication

extension PartitionState {
    /// Takes a newer registration of the partition: keeps the role, or changes it.
    mutating func assign(
        _ new: PartitionAssignment, me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath
    ) {
        let old = assignment
        guard new.leaderEpoch >= old.leaderEpoch, new.partitionEpoch >= old.partitionEpoch else { return }
        assignment = new
        guard isOpen else { return }
        if new.leaderEpoch > old.leaderEpoch || roleIsUnset {
            takeRole(me: me, now: now, &after)
        } else {
            let lives = lives
            lead(&after) { $0.metadataChanged(new, lives: { lives[$0] }, now: now) }
        }
    }

    private var roleIsUnset: Bool {
        if case .idle = role { return true }
        return false
    }

    /// The log is open: take the role that metadata gives.
    mutating func opened(_ log: PartitionLog, me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath) {
        // The configuration may have changed while it was being opened.
        var log = log
        log.configuration = settings.log
        storage = .open(log)
        checkpointedHighWatermark = min(checkpointedHighWatermark, log.logEndOffset)
        takeRole(me: me, now: now, &after)
    }

    private mutating func takeRole(me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath) {
        guard case .open(var log) = storage else { return }
        let watermark = max(highWatermark, log.logStartOffset)
        failAllWaiting(.notLeaderOrFollower, &after)
        if case .follower = role { after.following = .stop }
        if assignment.leader == me {
            // Rule 1: the epoch stands in the cache before anything is served in it.
            storage = .opening
            log.assign(assignment.leaderEpoch, startOffset: log.logEndOffset)
            let lives = lives
            role = .leader(
                LeaderReplica(
                    me: me, assignment: assignment, settings: leaderSettings, logEnd: log.logEndOffset,
                    flushedEnd: log.flushedEndOffset, highWatermark: watermark, lives: { lives[$0] }, now: now))
            storage = .open(log)
            // Alone in the ISR, or with a flush owed: the watermark may move at once.
            if settings.flushesOnAck { after.wantsFlush = true }
            lead(&after) { $0.checkLag(now: now) }
        } else if assignment.replicas.contains(me) {
            role = .follower(
                FollowerReplica(assignment: assignment, highWatermark: watermark, logEnd: log.logEndOffset))
            if let leader = assignment.leader { after.following = .start(leader: leader) }
        } else {
            checkpointedHighWatermark = watermark
            role = .idle
        }
    }
}
