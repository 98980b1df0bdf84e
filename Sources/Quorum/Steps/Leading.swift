import Primitives

/// The leader's side of the log: appends, fetches, the high watermark.
extension QuorumReplica {
    mutating func append(
        _ ticket: AppendTicket, count: Int64, expecting epoch: LeaderEpoch, now: MonotonicInstant
    ) {
        // One that slept past its check-quorum time resigns in this very step, or has some time left to hear of its
        // followers: until then nobody may replicate what it writes.
        guard case .leader(let state) = role, state.epoch == epoch, count > 0, !hasLostQuorum(state, now: now) else {
            return effects.append(.refuseAppend(ticket))
        }
        effects.append(.append(.records(ticket, count: count), base: log.end, epoch: epoch))
        log.append(epoch: epoch, through: log.end + count)
        askFlush()
        answerWaiting()
    }

    /// Asks for a flush of all that is written, unless it is durable or asked for already.
    mutating func askFlush() {
        let ticket = log.flushTicket
        guard log.flushedEnd < log.end, flushAsked != ticket else { return }
        flushAsked = ticket
        effects.append(.flush(ticket))
    }

    mutating func flushed(_ ticket: FlushTicket, now: MonotonicInstant) {
        if flushAsked == ticket { flushAsked = nil }
        let isMore = log.flushed(ticket)
        switch role {
        case .leader: if isMore { advanceHighWatermark() }
        case .follower(var state):
            guard state.work == .flushing else { return }
            guard log.flushedEnd == log.end else { return askFlush() }
            state.work = .fetch(.due(at: now))
            role = .follower(state)
        case .unattached, .prospective, .candidate, .resigned: break
        }
    }

    private mutating func advanceHighWatermark() {
        guard case .leader(var state) = role else { return }
        guard let committed = state.advanceHighWatermark(ownFlushedEnd: log.flushedEnd) else { return }
        role = .leader(state)
        precondition(committed >= highWatermark ?? .zero, "a leader lacks what it knew to be committed")
        highWatermark = committed
        toldHighWatermark = max(toldHighWatermark ?? .zero, committed)
        effects.append(.highWatermarkAdvanced(committed))
        answerWaiting()
    }

    mutating func answerFetch(_ fetch: LogFetch, token: RequestToken, now: MonotonicInstant) {
        if let error = errorOfLeaderRequest(epoch: fetch.epoch) {
            return effects.append(.answer(token, .fetch(verdict(error), highWatermark: nil, .empty)))
        }
        guard case .leader(var state) = role else { preconditionFailure("checked above") }
        // A replica has one fetch at a time: an older one that still waits has lost its asker.
        let stale = state.takeWaiting { $0.fetch.replica == fetch.replica }
        state.heard(from: fetch.replica, now: now)
        let position = log.position(ofEnd: fetch.offset, lastEpoch: fetch.lastFetchedEpoch)
        if position == .valid { state.fetched(fetch, leaderEnd: log.end, now: now) }
        role = .leader(state)
        for old in stale { answerWithNothing(old) }
        switch position {
        case .valid:
            advanceHighWatermark()
            answerOrPark(fetch, token: token, now: now)
        case .diverging(let end): answer(token, .diverging(end))
        case .needsSnapshot(let snapshot): answer(token, .snapshot(snapshot))
        }
    }

    private mutating func answerOrPark(_ fetch: LogFetch, token: RequestToken, now: MonotonicInstant) {
        guard case .leader(var state) = role else { preconditionFailure("a fetch reached no leader") }
        let wait = min(fetch.maxWaitMilliseconds, settings.fetchWaitMilliseconds)
        if hasNews(for: fetch, state) || wait <= 0 || state.waiting.count >= LeaderState.waitingMax {
            return answerNews(fetch, token: token)
        }
        let deadline = now.advanced(byMilliseconds: wait)
        state.waiting.append(WaitingFetch(token: token, fetch: fetch, deadline: deadline))
        role = .leader(state)
    }

    /// Entries, or a high watermark that the replica does not know.
    private func hasNews(for fetch: LogFetch, _ state: LeaderState) -> Bool {
        if fetch.offset < log.end { return true }
        switch fetch.highWatermark {
        case .notTold: return false
        case .unknown: return state.highWatermark != nil
        case .known(let known): return state.highWatermark.map { $0 > known } ?? false
        }
    }

    private mutating func answerNews(_ fetch: LogFetch, token: RequestToken) {
        answer(token, fetch.offset < log.end ? .entries(fetch.offset) : .empty)
    }

    private mutating func answer(_ token: RequestToken, _ content: FetchContent<Offset>) {
        let highWatermark = role.leading?.highWatermark
        effects.append(.answer(token, .fetch(verdict(), highWatermark: highWatermark, content)))
    }

    mutating func answerWithNothing(_ fetch: WaitingFetch) { answer(fetch.token, .empty) }

    mutating func answerWaiting() {
        guard case .leader(var state) = role else { return }
        let before = state
        let ready = state.takeWaiting { hasNews(for: $0.fetch, before) }
        role = .leader(state)
        for waiting in ready { answerNews(waiting.fetch, token: waiting.token) }
    }

    mutating func forgetWaiting(_ token: RequestToken) {
        guard case .leader(var state) = role else { return }
        _ = state.takeWaiting { $0.token == token }
        role = .leader(state)
    }

    mutating func answerFetchSnapshot(_ fetch: SnapshotFetch, token: RequestToken, now: MonotonicInstant) {
        if let error = errorOfLeaderRequest(epoch: fetch.epoch) {
            return effects.append(.answer(token, .fetchSnapshot(verdict(error), nil)))
        }
        guard case .leader(var state) = role else { preconditionFailure("checked above") }
        state.heard(from: fetch.replica, now: now)
        role = .leader(state)
        effects.append(.answer(token, .fetchSnapshot(verdict(), fetch)))
    }

    /// Epoch first, then leadership (reliability rule 5).
    func errorOfLeaderRequest(epoch: LeaderEpoch) -> ErrorCode? {
        if epoch < election.epoch { return .fencedLeaderEpoch }
        if epoch > election.epoch { return .unknownLeaderEpoch }
        return role.leading != nil && leaderID != nil ? nil : .notLeaderOrFollower
    }

    mutating func snapshotTaken(_ snapshot: SnapshotID) {
        precondition(snapshot.endOffset <= highWatermark ?? .zero, "a snapshot of uncommitted state")
        log.snapshotTaken(snapshot)
    }
}
