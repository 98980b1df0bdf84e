import LogStorage
import Primitives
import Replication
import World

#if MUTANTS
    import Mutants
#endif

/// Who fetches, with what the rules need to know of it.
struct FetchRequester: Hashable, Sendable {
    var kind: Requester
    /// The broker epoch that a follower names (KIP-903); nil from others and from old versions.
    var brokerEpoch: BrokerEpoch?
    /// Whether it is a consumer that may read from a follower (KIP-392).
    var mayReadFollower = false

    /// Whether new records are enough to wake it, committed or not.
    var readsUncommittedEnd: Bool {
        switch kind {
        case .follower: true
        case .consumer: false
        }
    }

    var isFollower: Bool {
        if case .follower = kind { return true }
        return false
    }

    /// Whether the answer has a list of aborted transactions.
    var readsCommittedOnly: Bool { kind == .consumer(readsCommittedOnly: true) }
}

/// What a partition says to one fetch.
struct FetchRead: Sendable {
    var error = ErrorCode.noError
    var highWatermark: Offset?
    var lastStable: Offset?
    var logStart: Offset?
    var divergence: EpochEnd?
    var slice: LogSlice?
    /// The aborted transactions in what was read; only for readers of what is committed.
    var aborted: [AbortedTransaction] = []
    /// They stand in files that have yet to be read: not on a loop.
    var abortedLookup: AbortedLookup?
    /// It was written a moment ago: no need to ask whether it is in the page cache.
    var isHot = false
    /// All of it was written by this process, or checked, and was not seen to leave the page cache since. Not asked of
    /// what is hot: it costs a system call.
    var isTrusted = false
    /// Where reading ended: the fetch waits until there is something behind it.
    var bound = Offset.zero

    var byteCount: Int { slice?.count ?? 0 }
    /// What an incremental answer goes by. Who has to cut its log does not take the watermark that comes with that: it
    /// is to be told again.
    var news: FetchNews {
        FetchNews(
            error: error, highWatermark: divergence == nil ? highWatermark : nil, logStart: logStart,
            hasContent: slice != nil || divergence != nil || preferredReplica != nil, isSettled: isSettled)
    }
    /// From whom the consumer should rather read; there are no records then.
    var preferredReplica: BrokerID?
    /// The fetch waits at the partition: there was too little.
    var isParked = false
    /// There is news for a follower besides records: what the leader has deleted, or a high watermark it waits for.
    var hasNews = false
    /// It is of a follower that is given what others are given too, to be flushed together.
    var isOfGroup = false
    /// Whether nothing more can be found here, and nobody waits for this fetch to come again, before something happens
    /// at the partition.
    var isSettled = false
    /// Its bytes count for the leaders' throttle.
    var isThrottled = false
    /// The throttle keeps its records back for now.
    var isHeldBack = false
    /// Sending it could wait for a disk, or it has to be checked first: not on a loop. To be asked once: what was not
    /// in memory may come back at any time.
    var mayWaitForDisk: Bool {
        #if MUTANTS
            if Mutant.absentTrusted.isOn { return !isHot && slice != nil && !isTrusted }
        #endif
        return !isHot && slice.map { !isTrusted || !$0.isResident } ?? false
    }
    /// Nothing that comes later makes this answer better.
    var isUrgent: Bool { error != .noError || divergence != nil || preferredReplica != nil || hasNews }
}

/// How much a fetch may still take.
struct FetchRoom: Hashable, Sendable {
    var maxBytes: Int
    /// The first batch is given though it is longer: the answer has none so far.
    var minOneMessage: Bool
    /// Nothing goes to throttled replicas for the time being.
    var isOverThrottle = false
}

extension PartitionState {
    /// Reads for a fetch. The checks stand in the order of rule 5, then rule 3; bounds are taken once (rule 11).
    ///
    /// - Parameter isFirst: false when the same request looks again; a follower's position is noted only once.
    /// - Parameter nearby: the replicas in the consumer's rack, where the leader is in another.
    mutating func read(
        _ wish: FetchWish, _ requester: FetchRequester, _ room: FetchRoom, isFirst: Bool, nearby: [BrokerID],
        now: MonotonicInstant, _ after: inout Aftermath
    ) -> FetchRead {
        if requester.mayReadFollower, isOpen, let epoch = follower?.leaderEpoch {
            return readAsFollower(of: epoch, wish, requester, room, now: now, &after)
        }
        if let error = leaderRefusal(requested: wish.currentLeaderEpoch) { return FetchRead(error: error) }
        let lastStable = lastStableOffset
        guard let logStart = log?.logStartOffset, let watermark = leader?.highWatermark,
            let position = leader?.position(
                wish.offset, logStart: logStart, requester: requester.kind, lastStable: lastStable)
        else { return FetchRead(error: .notLeaderOrFollower) }
        var read = FetchRead(highWatermark: watermark, lastStable: lastStable, logStart: logStart)
        if wish.offset < logStart {
            read.error = .offsetOutOfRange
            return read
        }
        if let verdict = divergence(wish) {
            switch verdict {
            case .matches: break
            case .outOfRange:
                read.error = .offsetOutOfRange
                return read
            case .diverges(let end):
                read.divergence = end
                return read
            }
        }
        guard position != .outOfRange else {
            read.error = .offsetOutOfRange
            return read
        }
        if case .follower(let id) = requester.kind,
            let answer = attend(id, wish, requester, room, isFirst: isFirst, now: now, &read, &after)
        {
            return answer
        }
        read.bound = max(leader?.readEnd(for: requester.kind, lastStable: lastStable) ?? .zero, wish.offset)
        if !nearby.isEmpty, let preferred = leader?.preferredReplica(among: nearby, at: wish.offset) {
            read.preferredReplica = preferred
            return read
        }
        if case .readable(let end) = position { fill(&read, wish, requester, room, upTo: end, now: now, &after) }
        return read
    }

    /// Takes note of what a follower has, and looks what it is told besides records.
    ///
    /// - Returns: the answer, where it gets no records now.
    private mutating func attend(
        _ follower: BrokerID, _ wish: FetchWish, _ requester: FetchRequester, _ room: FetchRoom, isFirst: Bool,
        now: MonotonicInstant, _ read: inout FetchRead, _ after: inout Aftermath
    ) -> FetchRead? {
        if isFirst {
            let fetch = FollowerFetch(
                follower: follower, brokerEpoch: requester.brokerEpoch, endOffset: wish.acknowledgedEnd,
                logStart: wish.logStart ?? .zero)
            do throws(ReplicationError) {
                let outcome = try leader?.followerFetched(fetch, now: now)
                if isGrouped(follower) { group.caughtUp(to: wish.acknowledgedEnd, now: now) }
                if let outcome { follow(outcome, now: now, &after) }
            } catch {
                return FetchRead(error: error.code)
            }
        }
        read.hasNews =
            wish.logStart.map { $0 < log?.logStartOffset ?? .zero } ?? false
            || wish.highWatermark.map { $0 < leader?.highWatermark ?? .zero } ?? false
        if settings.isThrottledAsLeader {
            read.isThrottled = true
            // A replica in sync is waited for by producers: it is never held back.
            if room.isOverThrottle, leader?.inSync.contains(follower) != true {
                read.bound = max(log?.logEndOffset ?? .zero, wish.offset)
                read.isHeldBack = true
                return read
            }
        }
        if isGrouped(follower) {
            read.isOfGroup = true
            if wish.offset >= group.released {
                read.bound = wish.offset
                return read
            }
        }
        return nil
    }

    /// Reads for a consumer from this follower's own log, up to its own high watermark (KIP-392).
    private mutating func readAsFollower(
        of epoch: LeaderEpoch, _ wish: FetchWish, _ requester: FetchRequester, _ room: FetchRoom,
        now: MonotonicInstant, _ after: inout Aftermath
    ) -> FetchRead {
        if let error = EpochCheck.refusal(requested: wish.currentLeaderEpoch, current: epoch, isLeader: true) {
            return FetchRead(error: error)
        }
        guard let logStart = log?.logStartOffset, let logEnd = log?.logEndOffset else {
            return FetchRead(error: .notLeaderOrFollower)
        }
        let (watermark, lastStable) = (highWatermark, lastStableOffset)
        let end = requester.readsCommittedOnly ? lastStable : watermark
        var read = FetchRead(highWatermark: watermark, lastStable: lastStable, logStart: logStart)
        read.bound = max(end, wish.offset)
        // Below its start the consumer asks the leader. Above its end it can't know whether the leader has the position
        // (rule 22); between its watermark and its end it will know soon: the consumer waits.
        if wish.offset < logStart {
            read.error = .offsetOutOfRange
        } else if let verdict = divergence(wish), verdict != .matches {
            if case .diverges(let end) = verdict { read.divergence = end } else { read.error = .offsetOutOfRange }
        } else if wish.offset > logEnd {
            read.error = .offsetNotAvailable
        } else if wish.offset < end {
            fill(&read, wish, requester, room, upTo: end, now: now, &after)
        }
        return read
    }

    /// Whether a session need not look here again before something happens.
    func isSettled(_ read: FetchRead, _ requester: FetchRequester, _ room: FetchRoom) -> Bool {
        guard !read.isUrgent, read.slice == nil, room.maxBytes > 0 || room.minOneMessage else { return false }
        switch requester.kind {
        case .consumer: return true
        case .follower(let id):
            // One that is held back, or has yet to join, is looked at with each of its requests.
            return !read.isHeldBack && leader?.isSettled(id) == true
        }
    }

    /// Finds the records for an answer.
    private mutating func fill(
        _ read: inout FetchRead, _ wish: FetchWish, _ requester: FetchRequester, _ room: FetchRoom, upTo end: Offset,
        now: MonotonicInstant, _ after: inout Aftermath
    ) {
        guard room.maxBytes > 0 || room.minOneMessage else { return }
        do throws(StorageError) {
            let slice = try log?.read(
                from: wish.offset, maxBytes: min(wish.maxBytes, room.maxBytes), upTo: end,
                minOneMessage: room.minOneMessage)
            if let slice, !slice.isEmpty {
                read.slice = slice
                read.isHot =
                    now.milliseconds(since: lastAppendAt) < PartitionState.hotMilliseconds
                    && log?.isRecent(slice) == true
                read.isTrusted = read.isHot || slice.isTrusted(now: now)
                if requester.readsCommittedOnly { try note(abortedIn: slice, from: wish.offset, &read) }
            }
        } catch {
            read.error = failedRead(error, &after)
        }
    }

    /// What a reader of what is committed has to leave out of a slice.
    private func note(abortedIn slice: LogSlice, from offset: Offset, _ read: inout FetchRead) throws(StorageError) {
        guard let lookup = log?.abortedTransactions(from: offset, upTo: slice.endOffset) else { return }
        if lookup.isInMemory { read.aborted = try lookup.find() } else { read.abortedLookup = lookup }
    }

    private func divergence(_ wish: FetchWish) -> Divergence.Verdict? {
        #if MUTANTS
            if Mutant.divergenceUnseen.isOn { return nil }
        #endif
        guard let lastFetched = wish.lastFetchedEpoch else { return nil }
        let found = log?.endOffset(for: lastFetched).map { EpochEnd(epoch: $0.epoch, endOffset: $0.endOffset) }
        return Divergence.verdict(fetchOffset: wish.offset, lastFetched: lastFetched, found: found)
    }

    /// What a failed read is told as; a broken disk takes the log offline.
    mutating func failedRead(_ error: StorageError, _ after: inout Aftermath) -> ErrorCode {
        if error.takesDirectoryOffline { logFailed(error, &after) }
        if case .corrupt(let path, _, _) = error { after.suspicion = path }
        return error.code
    }

    /// A read or write failed for good: the log, and its whole directory, go offline.
    mutating func logFailed(_ error: StorageError, _ after: inout Aftermath) {
        guard let directory = log?.directory else { return }
        after.failure = LogFailure(directory: directory, reason: "\(error)")
        goOffline("\(error)", &after)
    }
}

extension FetchGoal {
    /// What a fetch waits for that found nothing, or too little.
    init(behind read: FetchRead, _ requester: FetchRequester, _ wish: FetchWish) {
        let bound = read.bound
        if read.isOfGroup {
            self = .groupBehind(bound, wish.highWatermark)
            return
        }
        guard requester.readsUncommittedEnd else {
            self = requester.readsCommittedOnly ? .lastStableBehind(bound) : .highWatermarkBehind(bound)
            return
        }
        self = wish.highWatermark.map { .logEndBehindOrHighWatermarkAbove(bound, $0) } ?? .logEndBehind(bound)
    }
}

extension Partition {
    /// Reads for a fetch of a client or a follower.
    func read(
        _ wish: FetchWish, _ requester: FetchRequester, _ room: FetchRoom, isFirst: Bool, nearby: [BrokerID] = [],
        parking: FetchParking? = nil, watch: PartitionWatch? = nil
    ) -> FetchRead {
        let now = services.clock.now
        var room = room
        room.isOverThrottle = requester.isFollower && services.throttles.leaders.isExceeded(now: now)
        let isControllerLost = services.contact.isLost(now: now)
        return step { state, after in
            var read = state.read(wish, requester, room, isFirst: isFirst, nearby: nearby, now: now, &after)
            // What is committed stays so, whoever leads; but who has read it all would wait here for ever, and who has
            // read on elsewhere, behind this log's end, is not to begin anew.
            let isBehindEnd = read.error == .offsetOutOfRange && wish.offset >= read.logStart ?? .zero
            if isControllerLost, !requester.isFollower, isBehindEnd || read.error == .noError && read.byteCount == 0,
                state.isCutOff(services.contact, now: now)
            {
                return FetchRead(error: .notLeaderOrFollower)
            }
            // In the same step: nothing can come between the look and the wait.
            if let watch {
                read.isSettled = state.isSettled(read, requester, room)
                state.watch(watch, requester, until: FetchGoal(behind: read, requester, wish), told: read)
            }
            if let parking, !read.isUrgent, read.byteCount < parking.minBytes {
                state.parkedFetches.append((parking.fetch, FetchGoal(behind: read, requester, wish)))
                read.isParked = true
            }
            return read
        }
    }
}
