import Primitives

/// What a follower tells and asks its leader about its own vote (KIP-853, KIP-1186).
extension QuorumReplica {
    /// When it has something to send; nil when there is nothing.
    func membershipTime(of state: FollowerState) -> MonotonicInstant? {
        membershipRequest(of: state) == nil ? nil : state.membership.dueAt
    }

    /// A voter makes known where it listens; a replica without a vote asks for one, where it is to.
    private func membershipRequest(of state: FollowerState) -> QuorumRequest? {
        guard state.hasFetched, !isShuttingDown, me.directoryID != nil, !own.endpoints.isEmpty else { return nil }
        let update = QuorumRequest.updateVoter(UpdateVoterAsk(voter: own, epoch: election.epoch))
        // A leader that took it may write it in other words (the order of listeners): once in an epoch is enough.
        let isKnown = state.hasReported || history.isDynamic && voters.voter(me.id) == own
        if isVoter { return isKnown ? nil : update }
        guard history.isDynamic else { return nil }
        // Asking with half a log would only make the leader wait.
        guard settings.joinsByItself, let committed = state.leaderHighWatermark, log.flushedEnd >= committed else {
            return nil
        }
        let timeout = 2 * settings.fetchTimeoutMilliseconds
        if let former = voters.key(of: me.id) {
            return .removeVoter(RemoveVoterAsk(key: former, timeoutMilliseconds: timeout))
        }
        return .addVoter(AddVoterAsk(voter: own, timeoutMilliseconds: timeout, answersWhenCommitted: false))
    }

    mutating func sendMembership(now: MonotonicInstant) {
        guard case .follower(var state) = role, let dueAt = state.membership.dueAt, dueAt <= now,
            let request = membershipRequest(of: state)
        else { return }
        let id = drawRequestID()
        state.membership = .inFlight(id)
        role = .follower(state)
        effects.append(.send(id, to: state.leaderID, request))
    }

    /// Whatever the answer, what is still missing is asked for again after a while.
    mutating func membershipAnswered(_ id: RequestID, _ error: ErrorCode, now: MonotonicInstant) {
        guard case .follower(var state) = role, state.membership == .inFlight(id) else { return }
        state.membership = .due(at: now.advanced(byMilliseconds: settings.fetchTimeoutMilliseconds))
        if error == .noError, isVoter { state.hasReported = true }
        role = .follower(state)
    }
}
