package import Primitives

/// What time alone brings about.
extension QuorumReplica {
    /// When the next `tick` is needed at the latest; nil when none is.
    package var nextDeadline: MonotonicInstant? {
        switch role {
        case .unattached(let state): earliest(state.electionAt, state.search.dueAt)
        case .prospective(let round), .candidate(let round): earliest(round.deadline, round.nextDue)
        case .leader(let state): earliest(nextOf(state), checkQuorumDeadline(of: state).map(afterGrace))
        case .follower(let state):
            earliest(afterGrace(state.fetchDeadline), earliest(state.nextDue, membershipTime(of: state)))
        case .resigned(let state):
            earliest(state.isFinal ? nil : state.endsAt, state.notices.compactMap(\.errand.dueAt).min())
        }
    }

    private func nextOf(_ state: LeaderState) -> MonotonicInstant? {
        guard leaderID != nil else { return nil }
        let answers = earliest(state.waiting.map(\.deadline).min(), state.change?.nextDue)
        return earliest(answers, state.followers.map { noticeTime(of: $0) }.min())
    }

    private func checkQuorumDeadline(of state: LeaderState) -> MonotonicInstant? {
        state.checkQuorumDeadline(timeoutMilliseconds: checkQuorumMilliseconds)
    }

    /// The time for a judgement that would come due while what this replica slept through is not heard yet.
    private func afterGrace(_ deadline: MonotonicInstant) -> MonotonicInstant {
        stalls.graceEndsAt.map { max($0, deadline) } ?? deadline
    }

    /// Whether this replica leads and a majority was silent for too long; false where it does not lead.
    package func hasLostQuorum(now: MonotonicInstant) -> Bool {
        if case .leader(let state) = role { hasLostQuorum(state, now: now) } else { false }
    }

    /// Whether a majority was silent for too long, as far as this leader has heard: it takes nothing new on then.
    func hasLostQuorum(_ state: LeaderState, now: MonotonicInstant) -> Bool {
        checkQuorumDeadline(of: state).map { $0 <= now } ?? false
    }

    private func noticeTime(of follower: LeaderState.Follower) -> MonotonicInstant {
        follower.noticeTime(silenceMilliseconds: max(settings.fetchTimeoutMilliseconds / 2, 1))
    }

    mutating func runTimers(now: MonotonicInstant) {
        switch role {
        case .unattached(let state):
            if let electionAt = state.electionAt, electionAt <= now { electionDue(state, now: now) }
        case .prospective(let round):
            if round.isLost || round.deadline <= now { lostPreVote(round, now: now) }
        case .candidate(let round):
            if round.isLost || round.deadline <= now { lostElection(now: now) }
        case .leader(let state): leaderTimers(state, now: now)
        case .follower(let state):
            if afterGrace(state.fetchDeadline) <= now { leaderLost(now: now) }
        case .resigned(let state):
            if state.endsAt <= now, !state.isFinal {
                becomeUnattached(epoch: election.epoch, electionAt: now, now: now)
                runTimers(now: now)
            }
        }
    }

    private mutating func electionDue(_ state: UnattachedState, now: MonotonicInstant) {
        if mayStand { return becomeProspective(now: now) }
        role = .unattached(UnattachedState(electionAt: electionDeadline(now: now), search: state.search))
    }

    /// The followers' answers say that the leader lives, or nobody answers: no epoch was opened, nothing is lost.
    private mutating func lostPreVote(_ round: VoteRound, now: MonotonicInstant) {
        lostElections += 1
        guard round.isLost || !settings.bootstrap.isEmpty else { return becomeProspective(now: now) }
        becomeUnattached(epoch: election.epoch, electionAt: backoff(now: now), now: now)
    }

    /// Waits for a short random time, so that two candidates do not split the votes again.
    private mutating func lostElection(now: MonotonicInstant) {
        lostElections += 1
        becomeUnattached(epoch: election.epoch, electionAt: backoff(now: now), now: now)
    }

    private mutating func backoff(now: MonotonicInstant) -> MonotonicInstant {
        let grown = settings.retryBackoffMilliseconds << Int64(min(lostElections, 10))
        return randomDelay(upTo: min(grown, settings.electionBackoffMaxMilliseconds), now: now)
    }

    /// The leader is silent, gone, or says that it leads no more. Who may not stand asks the voters who leads.
    mutating func leaderLost(now: MonotonicInstant) {
        if mayStand { becomeProspective(now: now) } else { becomeUnattached(epoch: election.epoch, now: now) }
    }

    private mutating func leaderTimers(_ state: LeaderState, now: MonotonicInstant) {
        if let deadline = checkQuorumDeadline(of: state), afterGrace(deadline) <= now {
            return becomeResigned(successors: state.successors, isFinal: false, now: now)
        }
        var state = state
        let over = state.takeWaiting { $0.deadline <= now }
        role = .leader(state)
        for fetch in over { answerWithNothing(fetch) }
    }

    /// Sends the requests that the role has to make now.
    mutating func sendWhatIsDue(now: MonotonicInstant) {
        switch role {
        case .unattached(var state):
            guard let dueAt = state.search.dueAt, dueAt <= now else { return }
            let id = drawRequestID()
            state.search = .inFlight(id)
            role = .unattached(state)
            sendSearch(id)
        case .prospective(var round):
            sendVotes(&round, isPreVote: true, now: now)
            role = .prospective(round)
        case .candidate(var round):
            sendVotes(&round, isPreVote: false, now: now)
            role = .candidate(round)
        case .leader(let state): if leaderID != nil { sendBeginEpoch(state, now: now) }
        case .follower(let state):
            if let dueAt = state.nextDue, dueAt <= now { sendFetch(state, now: now) }
            sendMembership(now: now)
        case .resigned(let state): sendEndEpoch(state, now: now)
        }
    }

    private mutating func sendBeginEpoch(_ state: LeaderState, now: MonotonicInstant) {
        var state = state
        for index in state.followers.indices where noticeTime(of: state.followers[index]) <= now {
            let peer = state.followers[index].progress.key
            let id = drawRequestID()
            state.followers[index].notice = .inFlight(id)
            state.followers[index].noticedAt = now
            let notice = BeginEpochNotice(leaderID: me.id, epoch: state.epoch, voter: peer)
            effects.append(.send(id, to: peer.id, .beginEpoch(notice)))
        }
        role = .leader(state)
    }

    private mutating func sendEndEpoch(_ state: ResignedState, now: MonotonicInstant) {
        var state = state
        for index in state.notices.indices {
            guard let dueAt = state.notices[index].errand.dueAt, dueAt <= now else { continue }
            let id = drawRequestID()
            state.notices[index].errand = .inFlight(id)
            let notice = EndEpochNotice(leaderID: me.id, epoch: election.epoch, successors: state.successors)
            effects.append(.send(id, to: state.notices[index].peer.id, .endEpoch(notice)))
        }
        role = .resigned(state)
    }
}

/// The earlier of two times, of which either may be missing.
func earliest(_ left: MonotonicInstant?, _ right: MonotonicInstant?) -> MonotonicInstant? {
    guard let left, let right else { return left ?? right }
    return min(left, right)
}
