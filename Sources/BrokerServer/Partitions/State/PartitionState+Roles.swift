import LogStorage
import Primitives
import Replication

#if MUTANTS
    import Mutants
#endif

extension PartitionState {
    /// Takes a newer registration of the partition: keeps the role, or changes it.
    mutating func assign(
        _ new: PartitionAssignment, me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath
    ) {
        let old = assignment
        guard new.leaderEpoch >= old.leaderEpoch, new.partitionEpoch >= old.partitionEpoch else { return }
        assignment = new
        guard isOpen else { return }
        // What is being written is of the former epoch: it stands in the log before the next begins.
        if errand != nil {
            errand?.missesAssignment = true
            return
        }
        applyAssignment(me: me, now: now, &after)
    }

    /// Keeps the role, or takes another: what the newest assignment says.
    mutating func applyAssignment(me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath) {
        let new = assignment
        guard let epoch = leader?.leaderEpoch ?? follower?.leaderEpoch, epoch >= new.leaderEpoch else {
            return takeRole(me: me, now: now, &after)
        }
        let lives = lives
        lead(now: now, &after) { $0.metadataChanged(new, lives: { lives[$0] }, now: now) }
    }

    /// The log is open: take the role that metadata gives.
    mutating func opened(
        _ opened: consuming PartitionLog, me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath
    ) {
        checkpointedHighWatermark = min(checkpointedHighWatermark, opened.logEndOffset)
        enter(opened)
        // The configuration may have changed while it was being opened.
        log?.configuration = settings.log
        takeRole(me: me, now: now, &after)
    }

    private mutating func takeRole(me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath) {
        guard let logStart = log?.logStartOffset, let logEnd = log?.logEndOffset, let flushed = log?.flushedEndOffset
        else { return }
        let watermark = max(highWatermark, logStart)
        failAllWaiting(.notLeaderOrFollower, &after)
        if follower != nil { after.following = .stop }
        leader = nil
        follower = nil
        if assignment.leader == me {
            // Rule 1: the epoch stands in the cache before anything is served in it.
            #if MUTANTS
                if !Mutant.epochUncached.isOn { log?.assign(assignment.leaderEpoch, startOffset: logEnd) }
            #else
                log?.assign(assignment.leaderEpoch, startOffset: logEnd)
            #endif
            let lives = lives
            leader = LeaderReplica(
                me: me, assignment: assignment, settings: leaderSettings, logEnd: logEnd, flushedEnd: flushed,
                highWatermark: watermark, lives: { lives[$0] }, now: now)
            group.restart(end: logEnd)
            // Alone in the ISR, or with a flush owed: the watermark may move at once.
            if settings.flushesOnAck { after.wantsFlush = true }
            lead(now: now, &after) { $0.checkLag(now: now) }
        } else if assignment.replicas.contains(me) {
            #if MUTANTS
                if Mutant.cutToWatermark.isOn, watermark < logEnd { try? log?.truncate(to: watermark) }
                let logEnd = log?.logEndOffset ?? logEnd
            #endif
            follower = FollowerReplica(assignment: assignment, highWatermark: watermark, logEnd: logEnd)
            if let leader = assignment.leader { after.following = .start(leader: leader) }
        } else {
            checkpointedHighWatermark = watermark
        }
    }
}
