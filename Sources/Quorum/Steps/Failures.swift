import Primitives

/// Requests that nobody answered.
extension QuorumReplica {
    mutating func requestFailed(_ id: RequestID, _ failure: RequestFailure, now: MonotonicInstant) {
        let retryAt = retryTime(now: now)
        switch role {
        case .unattached(var state):
            guard state.search == .inFlight(id) else { return }
            state.search = .due(at: retryAt)
            role = .unattached(state)
        case .prospective(var round):
            round.failed(id, retryAt: retryAt)
            role = .prospective(round)
        case .candidate(var round):
            round.failed(id, retryAt: retryAt)
            role = .candidate(round)
        case .follower(var state):
            guard state.waits(for: id) else { return membershipAnswered(id, .requestTimedOut, now: now) }
            state.setErrand(.due(at: retryAt))
            role = .follower(state)
            if failure == .refused { leaderRefused(state.leaderID, now: now) }
        case .resigned(var state):
            guard let index = state.notices.firstIndex(where: { $0.errand == .inFlight(id) }) else { return }
            // Whoever can't be told finds out by itself; a second try is all that haste is worth.
            state.notices[index].errand = failure == .refused ? .done : .due(at: retryAt)
            role = .resigned(state)
        // A notice goes out again on its own time.
        case .leader: probeFailed(id, failure, now: now)
        }
    }

    /// The leader's process is gone. The first proof makes a voter stand at once; when the others do not agree, it
    /// takes a growing break between tries.
    mutating func leaderRefused(_ leader: BrokerID, now: MonotonicInstant) {
        guard case .follower(var state) = role, state.leaderID == leader else { return }
        refusals += 1
        if refusals == 1 { return leaderLost(now: now) }
        let wait = settings.retryBackoffMilliseconds << Int64(min(refusals, 5))
        state.hasFetched = false
        state.fetchDeadline = min(state.fetchDeadline, randomDelay(upTo: wait, now: now))
        role = .follower(state)
    }

    mutating func endEpochAnswered(_ id: RequestID) {
        guard case .resigned(var state) = role,
            let index = state.notices.firstIndex(where: { $0.errand == .inFlight(id) })
        else { return }
        state.notices[index].errand = .done
        role = .resigned(state)
    }
}
