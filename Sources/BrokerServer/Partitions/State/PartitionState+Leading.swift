import DequeModule
import LogStorage
import Primitives
import Replication

#if MUTANTS
    import Mutants
#endif

extension PartitionState {
    /// Appends what producers sent in one round, with one write where the log can.
    ///
    /// - Parameter keepsNewest: the followers that wait read it from memory; the caller has the log forget it.
    mutating func append(
        _ incoming: [Incoming], timeOfDay: Timestamp, now: MonotonicInstant, keepsNewest: Bool = false,
        _ after: inout Aftermath
    ) {
        guard let (admitted, epoch) = admit(incoming, &after) else { return }
        hearFollowers()
        let outcomes: [AppendOutcome]?
        do throws(StorageError) {
            outcomes = try log?.appendAsLeader(
                admitted.map(\.batch), markers: admitted.markers, epoch: epoch, now: timeOfDay,
                keepsNewest: keepsNewest)
        } catch {
            for item in admitted { refuse(item, .kafkaStorageError, &after) }
            logFailed(error, &after)
            return
        }
        if let outcomes { appended(admitted, outcomes, now: now, &after) }
    }

    /// What of it may be appended now, and in which epoch; nil where nothing is. The rest is refused.
    func admit(
        _ incoming: [Incoming], _ after: inout Aftermath
    ) -> (incoming: [Incoming], epoch: LeaderEpoch)? {
        guard log != nil, let epoch = leader?.leaderEpoch, let isAcksAllOpen = leader?.hasEnoughInSync else {
            let error = leaderRefusal(requested: nil) ?? .notLeaderOrFollower
            for item in incoming { refuse(item, error, &after) }
            return nil
        }
        var admitted = incoming
        if !isAcksAllOpen {
            admitted.removeAll { $0.waitsForReplicas && !$0.isPromised }
            for item in incoming where item.waitsForReplicas && !item.isPromised {
                refuse(item, .notEnoughReplicas, &after)
            }
        }
        return admitted.isEmpty ? nil : (admitted, epoch)
    }

    /// The log has taken what was admitted: answers what is decided by that, and lets the rest wait.
    mutating func appended(
        _ admitted: [Incoming], _ outcomes: [AppendOutcome], now: MonotonicInstant, _ after: inout Aftermath
    ) {
        guard !admitted.isEmpty, let start = log?.logStartOffset, let end = log?.logEndOffset else { return }
        lastAppendAt = now
        let outcome = leader?.appended(to: end, now: now)
        for (item, result) in zip(admitted, outcomes) { settle(item, result, logStart: start, &after) }
        group.appended(
            requests: admitted.count(where: \.waitsForReplicas), bytes: admitted.reduce(0) { $0 + $1.batch.count })
        if !settings.flushesOnAck, owesFlush { after.wantsFlush = true }
        if let outcome { follow(outcome, now: now, &after) }
        wakeFetches(&after)
    }

    /// Answers what is decided by the append itself and parks the rest.
    private mutating func settle(
        _ item: Incoming, _ result: AppendOutcome, logStart: Offset, _ after: inout Aftermath
    ) {
        let range: AppendedRange
        switch result {
        case .refused(let code, let reason):
            traffic.rejected(bytes: item.batch.count)
            item.request.resolve(slot: item.slot, code, message: reason)
            return
        case .appended(let appended):
            range = appended
            traffic.appended(
                bytes: item.batch.count, messages: appended.endOffset.value - appended.baseOffset.value)
        case .duplicate(let appended): range = appended
        }
        item.request.appended(
            slot: item.slot, baseOffset: range.baseOffset, logAppendTime: range.logAppendTime, logStart: logStart)
        guard item.waitsForReplicas else {
            after.verdicts.append(verdict(item, .noError))
            return
        }
        #if MUTANTS
            if Mutant.repeatAcknowledgedAtOnce.isOn, case .duplicate = result {
                after.verdicts.append(verdict(item, .noError))
                return
            }
        #endif
        park(ParkedProduce(request: item.request, slot: item.slot, required: range.endOffset), &after)
    }

    private mutating func park(_ produce: ParkedProduce, _ after: inout Aftermath) {
        switch leader?.verdict(required: produce.required) {
        case nil: after.verdicts.append(Aftermath.Verdict(produce: produce, error: .notLeaderOrFollower))
        case .acknowledged: after.verdicts.append(Aftermath.Verdict(produce: produce, error: .noError))
        case .notEnoughReplicasAfterAppend:
            after.verdicts.append(Aftermath.Verdict(produce: produce, error: .notEnoughReplicasAfterAppend))
        case .wait:
            // A duplicate waits for an older offset than what was appended since: keep the order.
            var index = parkedProduces.endIndex
            while index > parkedProduces.startIndex, parkedProduces[index - 1].required > produce.required {
                index -= 1
            }
            parkedProduces.insert(produce, at: index)
            sweepParked()
        }
    }

    /// While nothing can be committed clients time out and try again: only those that still wait are kept.
    private mutating func sweepParked() {
        guard parkedProduces.count >= parkedProducesSweepAt else { return }
        parkedProduces.removeAll { !$0.request.isWaiting }
        parkedProducesSweepAt = max(PartitionState.parkedProducesSweepMin, 2 * parkedProduces.count)
    }

    /// Takes none of what producers sent in one round.
    func refuse(_ incoming: [Incoming], _ error: ErrorCode, _ after: inout Aftermath) {
        for item in incoming { refuse(item, error, &after) }
    }

    /// Whether this leader hears too few followers to make `min.insync.replicas`; asked only where no controller is
    /// heard either.
    mutating func isCutOff(_ contact: ControllerContact, now: MonotonicInstant) -> Bool {
        hearFollowers()
        return leader?.isCutOff(now: now, silenceMilliseconds: contact.silenceMilliseconds) ?? false
    }

    private func refuse(_ item: Incoming, _ error: ErrorCode, _ after: inout Aftermath) {
        traffic.rejected(bytes: item.batch.count)
        after.verdicts.append(verdict(item, error))
    }

    private func verdict(_ item: Incoming, _ error: ErrorCode) -> Aftermath.Verdict {
        Aftermath.Verdict(
            produce: ParkedProduce(request: item.request, slot: item.slot, required: .zero), error: error)
    }

    /// Runs a step of the leader core; nothing happens when this broker does not lead.
    mutating func lead(
        now: MonotonicInstant, _ after: inout Aftermath, _ step: (inout LeaderReplica) -> LeaderReplica.Outcome
    ) {
        guard leader != nil else { return }
        follow(step(&leader!), now: now, &after)
    }

    /// A flush covered everything below the log's new flushed end.
    mutating func flushed(now: MonotonicInstant, _ after: inout Aftermath) {
        guard let end = log?.flushedEndOffset else { return }
        lead(now: now, &after) { $0.flushed(to: end, now: now) }
    }
}

extension PartitionState {
    /// Whether what was appended is to be flushed now.
    var owesFlush: Bool {
        if settings.flushesOnAck { return true }
        guard settings.flushRecordsMax < Int64.max, let end = log?.logEndOffset, let flushed = log?.flushedEndOffset
        else { return false }
        return end - flushed >= settings.flushRecordsMax
    }

    /// Whether records lie unflushed longer than `flush.ms` allows; to be asked from time to time.
    mutating func isFlushOverdue(now: MonotonicInstant) -> Bool {
        guard let end = log?.logEndOffset, let flushed = log?.flushedEndOffset, flushed < end else {
            unflushedSince = nil
            return false
        }
        guard let since = unflushedSince else {
            unflushedSince = now
            return settings.flushMillisecondsMax == 0
        }
        guard now.milliseconds(since: since) >= settings.flushMillisecondsMax else { return false }
        unflushedSince = nil
        return true
    }

    /// The topic's configuration changed.
    mutating func configure(_ new: PartitionSettings, now: MonotonicInstant, _ after: inout Aftermath) {
        let changesFetcher = settings.flushesOnAck != new.flushesOnAck
        settings = new
        // Flushed and unflushed partitions have separate fetchers.
        if changesFetcher, follower != nil, let leader = assignment.leader {
            after.following = .start(leader: leader)
        }
        log?.configuration = new.log
        let core = leaderSettings
        group.restart(end: log?.logEndOffset ?? .zero)
        lead(now: now, &after) { $0.configured(core, now: now) }
        if new.flushesOnAck { after.wantsFlush = true }
        wakeFetches(&after)
    }
}
