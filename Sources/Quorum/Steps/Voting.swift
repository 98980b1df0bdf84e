import Primitives

#if MUTANTS
    import Mutants
#endif

/// Asking for votes, and answering who asks.
extension QuorumReplica {
    mutating func sendVotes(_ round: inout VoteRound, isPreVote: Bool, now: MonotonicInstant) {
        for (id, voter) in round.takeDue(now: now, drawID: { drawRequestID() }) {
            let ask = VoteAsk(
                candidate: me, epoch: election.epoch, lastEpoch: log.lastEpoch, lastOffset: log.end,
                isPreVote: isPreVote, voter: voter)
            effects.append(.send(id, to: voter.id, .vote(ask)))
        }
    }

    mutating func takeVote(_ verdict: Verdict, isGranted: Bool, id: RequestID, now: MonotonicInstant) {
        guard verdict.epoch == election.epoch else { return }
        switch role {
        case .prospective(var round):
            round.answered(id, isGranted: isGranted)
            role = .prospective(round)
            if round.isWon { becomeCandidate(now: now) }
        case .candidate(var round):
            round.answered(id, isGranted: isGranted)
            role = .candidate(round)
            if round.isWon { becomeLeader(grantedBy: round.grantedBy, now: now) }
        case .unattached, .leader, .follower, .resigned: break
        }
    }

    mutating func answerVote(_ ask: VoteAsk, token: RequestToken, now: MonotonicInstant) {
        if let refusal = refusal(of: ask) {
            return effects.append(.answer(token, .vote(verdict(refusal), isGranted: false)))
        }
        if ask.epoch > election.epoch { becomeUnattached(epoch: ask.epoch, now: now) }
        if ask.lastOffset > .zero { noteDataElsewhere() }
        if case .prospective = role, !mayStand { becomeUnattached(epoch: election.epoch, now: now) }
        let isGranted = grants(ask)
        if isGranted { granted(ask, now: now) }
        effects.append(.answer(token, .vote(verdict(), isGranted: isGranted)))
    }

    private func refusal(of ask: VoteAsk) -> ErrorCode? {
        guard mayBeAsked(as: ask.voter) else { return .invalidVoterKey }
        let isStranger = !history.isDynamic && !voters.isEmpty && !voters.contains(ask.candidate)
        guard !isStranger, ask.candidate.id != me.id else { return .invalidRequest }
        guard ask.epoch >= election.epoch else { return .fencedLeaderEpoch }
        guard ask.lastOffset >= .zero, ask.lastEpoch >= .zero else { return .invalidRequest }
        let isPossible = ask.isPreVote ? ask.lastEpoch <= ask.epoch : ask.lastEpoch < ask.epoch
        return isPossible ? nil : .invalidRequest
    }

    /// Whether this replica is the voter that is asked. A candidate may know of a vote that this replica's own log does
    /// not tell of yet: then its full key is the proof.
    private func mayBeAsked(as voter: ReplicaKey?) -> Bool {
        guard let voter else { return isVoter }
        if isVoter { return voter.matches(me) }
        return !log.isBlank && voter.directoryID != nil && voter == me
    }

    /// Whether the candidate gets the vote, by the voter's own standing, its log and its role.
    private func grants(_ ask: VoteAsk) -> Bool {
        #if MUTANTS
            let isLogEnough =
                Mutant.shorterLogWins.isOn || log.isNotAhead(ofEnd: ask.lastOffset, lastEpoch: ask.lastEpoch)
        #else
            let isLogEnough = log.isNotAhead(ofEnd: ask.lastOffset, lastEpoch: ask.lastEpoch)
        #endif
        guard isLogEnough else { return false }
        switch standing {
        case .catchingUp: return false
        case .unproven: if ask.lastOffset > .zero { return false }
        case .expecting: if ask.lastOffset == .zero { return false }
        case .founding, .proven: break
        }
        return ask.isPreVote ? grantsPreVote() : grantsVote(to: ask.candidate)
    }

    /// A pre-vote binds nobody; it is refused by those who have a leader (reliability rule 20).
    private func grantsPreVote() -> Bool {
        switch role {
        case .unattached, .prospective, .candidate, .resigned: true
        case .follower(let state): !state.hasFetched
        case .leader: false
        }
    }

    private func grantsVote(to candidate: ReplicaKey) -> Bool {
        switch role {
        case .unattached, .prospective:
            #if MUTANTS
                if Mutant.votesTwice.isOn { return true }
            #endif
            if let votedFor = election.votedFor { return votedFor.matches(candidate) }
            return election.leaderID == nil
        case .candidate, .leader, .follower, .resigned: return false
        }
    }

    private mutating func granted(_ ask: VoteAsk, now: MonotonicInstant) {
        if !ask.isPreVote {
            castVote(for: ask.candidate)
            return becomeUnattached(epoch: election.epoch, now: now)
        }
        // Two that stand at the same time would split the votes: the one with less, or the greater id, steps back.
        guard case .prospective = role else { return }
        let isSameLog = ask.lastOffset == log.end && ask.lastEpoch == log.lastEpoch
        guard !isSameLog || ask.candidate.id < me.id else { return }
        let backoff = settings.retryBackoffMilliseconds
        let electionAt = randomDelay(upTo: 2 * backoff, now: now.advanced(byMilliseconds: backoff))
        becomeUnattached(epoch: election.epoch, electionAt: electionAt, now: now)
    }
}
