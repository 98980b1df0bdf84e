import Primitives

/// The follower's side: notices from leaders, fetching, cutting, snapshots.
extension QuorumReplica {
    mutating func answerBeginEpoch(_ notice: BeginEpochNotice, token: RequestToken, now: MonotonicInstant) {
        let error = errorOfNotice(epoch: notice.epoch, leaderID: notice.leaderID, voter: notice.voter)
        if error == nil, notice.epoch > election.epoch || !isUnder(notice.leaderID) {
            becomeFollower(of: notice.leaderID, epoch: notice.epoch, now: now)
        }
        effects.append(.answer(token, .beginEpoch(verdict(error ?? .noError))))
    }

    private func isUnder(_ leaderID: BrokerID) -> Bool { role.following?.leaderID == leaderID }

    /// Static voters are all that can lead; of dynamic ones this replica may not have heard yet.
    func mayLead(_ id: BrokerID) -> Bool {
        guard id != me.id else { return false }
        return history.isDynamic || voters.isEmpty || voters.contains(id: id)
    }

    private func errorOfNotice(epoch: LeaderEpoch, leaderID: BrokerID, voter: ReplicaKey?) -> ErrorCode? {
        guard epoch >= election.epoch else { return .fencedLeaderEpoch }
        guard voter.map({ $0.matches(me) }) ?? true else { return .invalidVoterKey }
        guard mayLead(leaderID) else { return .invalidRequest }
        // Two leaders in one epoch can't be: somebody breaks the protocol, and is not believed.
        let known = epoch == election.epoch ? election.leaderID : nil
        return known ?? leaderID == leaderID ? nil : .invalidRequest
    }

    /// The leader leaves: its first choice stands at once, the others a little later, and none refuses a pre-vote
    /// for its sake any more.
    mutating func answerEndEpoch(_ notice: EndEpochNotice, token: RequestToken, now: MonotonicInstant) {
        let error = errorOfNotice(epoch: notice.epoch, leaderID: notice.leaderID, voter: nil)
        if error == nil {
            if notice.epoch > election.epoch { becomeFollower(of: notice.leaderID, epoch: notice.epoch, now: now) }
            if case .follower(var state) = role {
                let position = notice.successors.firstIndex { $0.matches(me) } ?? notice.successors.count
                let wait = Int64(min(position, voters.all.count)) * 2 * settings.retryBackoffMilliseconds
                state.hasFetched = false
                state.fetchDeadline = min(state.fetchDeadline, now.advanced(byMilliseconds: wait))
                role = .follower(state)
            }
        }
        effects.append(.answer(token, .endEpoch(verdict(error ?? .noError))))
    }

    /// Asks the voters and the bootstrap addresses in turn who leads: a fetch, which a leader answers and the others
    /// refuse with its name.
    mutating func sendSearch(_ id: RequestID) {
        let others = voters.others(than: me.id)
        let count = others.count + settings.bootstrap.count
        guard count > 0 else { return }
        let position = searchPosition % count
        searchPosition = (position + 1) % count
        let request = QuorumRequest.fetch(logFetch(maxWaitMilliseconds: 0))
        if position < others.count {
            effects.append(.send(id, to: others[position].id, request))
        } else {
            effects.append(.sendToAddress(id, settings.bootstrap[position - others.count], request))
        }
    }

    private func logFetch(maxWaitMilliseconds: Int64) -> LogFetch {
        LogFetch(
            replica: me, epoch: election.epoch, offset: log.flushedEnd, lastFetchedEpoch: log.lastEpoch,
            // It wants to hear of one, though it has a snapshot's end.
            highWatermark: toldHighWatermark.flatMap { _ in highWatermark }.map { .known($0) } ?? .unknown,
            maxWaitMilliseconds: maxWaitMilliseconds)
    }

    mutating func sendFetch(_ state: FollowerState, now: MonotonicInstant) {
        var state = state
        let request: QuorumRequest
        switch state.work {
        case .flushing: return
        case .fetch:
            guard log.flushedEnd == log.end else {
                state.work = .flushing
                role = .follower(state)
                return askFlush()
            }
            request = .fetch(logFetch(maxWaitMilliseconds: settings.fetchWaitMilliseconds))
        case .snapshot(let download, _):
            request = .fetchSnapshot(
                SnapshotFetch(
                    replica: me, epoch: election.epoch, snapshot: download.snapshot, position: download.position))
        }
        let id = drawRequestID()
        state.setErrand(.inFlight(id))
        role = .follower(state)
        effects.append(.send(id, to: state.leaderID, request))
    }

    mutating func takeFetched(
        _ verdict: Verdict, highWatermark leaders: Offset?, _ content: FetchContent<[FetchedBatch]>, id: RequestID,
        now: MonotonicInstant
    ) {
        guard case .follower(var state) = role, state.waits(for: id) else { return searchAnswered(id, now: now) }
        guard verdict.error == .noError, verdict.epoch == election.epoch else {
            return fetchRefused(verdict, now: now)
        }
        lostElections = 0
        refusals = 0
        state.hasFetched = true
        state.fetchDeadline = now.advanced(byMilliseconds: fetchTimeoutMilliseconds(under: state.leaderID))
        state.work = .fetch(.due(at: now))
        role = .follower(state)
        switch content {
        case .empty: followHighWatermark(leaders)
        case .entries(let batches): takeEntries(batches, highWatermark: leaders, now: now)
        // What diverges proves nothing about the entries below the leader's high watermark (rule 3).
        case .diverging(let end): cut(against: end, leader: state.leaderID)
        case .snapshot(let snapshot): beginDownload(snapshot, now: now)
        }
    }

    /// The leader said no. When it says that it leads no more in this very epoch, it has resigned.
    private mutating func fetchRefused(_ verdict: Verdict, now: MonotonicInstant) {
        guard case .follower(var state) = role else { return }
        state.setErrand(.due(at: retryTime(now: now)))
        if verdict.error == .notLeaderOrFollower, verdict.epoch == election.epoch, verdict.leaderID == nil {
            state.hasFetched = false
            state.fetchDeadline = min(
                state.fetchDeadline, randomDelay(upTo: settings.retryBackoffMilliseconds, now: now))
        }
        role = .follower(state)
    }

    private mutating func searchAnswered(_ id: RequestID, now: MonotonicInstant) {
        guard case .unattached(var state) = role, state.search == .inFlight(id) else { return }
        state.search = .due(at: retryTime(now: now))
        role = .unattached(state)
    }

    private mutating func takeEntries(_ batches: [FetchedBatch], highWatermark: Offset?, now: MonotonicInstant) {
        var end = log.end
        var epoch = log.lastEpoch
        for batch in batches {
            // Not what was asked for: drop it whole and ask again.
            guard batch.base == end, batch.end > end, batch.epoch >= epoch, batch.epoch <= election.epoch else {
                guard case .follower(var state) = role else { return }
                state.setErrand(.due(at: retryTime(now: now)))
                role = .follower(state)
                return
            }
            (end, epoch) = (batch.end, batch.epoch)
        }
        if !batches.isEmpty {
            effects.append(.appendFetched(batches))
            for batch in batches {
                log.append(epoch: batch.epoch, through: batch.end)
                for change in batch.changes { history.append(change) }
            }
        }
        followHighWatermark(highWatermark)
    }

    private mutating func followHighWatermark(_ leaders: Offset?) {
        guard let leaders, case .follower(var state) = role else { return }
        state.leaderHighWatermark = leaders
        role = .follower(state)
        toldHighWatermark = max(toldHighWatermark ?? .zero, leaders)
        let own = min(leaders, log.end)
        guard own > highWatermark ?? .zero else { return }
        highWatermark = own
        effects.append(.highWatermarkAdvanced(own))
    }

    private mutating func cut(against end: EpochEnd, leader: BrokerID) {
        let cut = log.cut(against: end)
        if let highWatermark, cut < highWatermark {
            return halt(
                .committedEntriesMissing(highWatermark: highWatermark, cut: cut, leader: leader, epoch: election.epoch))
        }
        guard cut < log.end else { return }
        log.truncate(to: cut)
        history.truncate(to: cut)
        effects.append(.truncate(to: cut))
    }

    private mutating func beginDownload(_ snapshot: SnapshotID, now: MonotonicInstant) {
        guard case .follower(var state) = role else { return }
        // One that ends where this replica is already would throw away committed entries for nothing.
        let isUseful = snapshot.endOffset > highWatermark ?? .zero
        state.work = isUseful ? .snapshot(SnapshotDownload(snapshot: snapshot), .due(at: now)) : state.work
        if !isUseful { state.setErrand(.due(at: retryTime(now: now))) }
        role = .follower(state)
    }

    mutating func takeSnapshotPiece(
        _ verdict: Verdict, _ piece: SnapshotPiece?, id: RequestID, now: MonotonicInstant
    ) {
        guard case .follower(var state) = role, state.waits(for: id), case .snapshot(var download, _) = state.work
        else { return }
        guard verdict.error == .noError, verdict.epoch == election.epoch, let piece,
            piece.snapshot == download.snapshot, piece.position == download.position,
            piece.bytes.count > 0 || piece.sizeBytes == piece.position
        else {
            // Whatever is wrong with it, a fetch tells what to do next.
            state.work = .fetch(.due(at: retryTime(now: now)))
            role = .follower(state)
            return
        }
        state.hasFetched = true
        state.fetchDeadline = now.advanced(byMilliseconds: fetchTimeoutMilliseconds(under: state.leaderID))
        effects.append(.writeSnapshotPiece(piece))
        download.position += Int64(piece.bytes.count)
        let isWhole = download.position >= piece.sizeBytes
        state.work = isWhole ? .fetch(.due(at: now)) : .snapshot(download, .due(at: now))
        role = .follower(state)
        if isWhole { install(piece.snapshot) }
    }

    private mutating func install(_ snapshot: SnapshotID) {
        log.reset(to: snapshot)
        effects.append(.installSnapshot(snapshot))
        highWatermark = snapshot.endOffset
        effects.append(.highWatermarkAdvanced(snapshot.endOffset))
    }
}

extension FollowerState {
    /// What becomes of the request that the present work needs.
    mutating func setErrand(_ errand: Errand) {
        switch work {
        case .fetch: work = .fetch(errand)
        case .snapshot(let download, _): work = .snapshot(download, errand)
        case .flushing: break
        }
    }
}
