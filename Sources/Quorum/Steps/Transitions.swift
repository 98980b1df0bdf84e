import Primitives

/// From one role to the next. Each transition leaves `election` as it must be on the disk before anyone hears of it.
extension QuorumReplica {
    /// Takes up what the files say.
    mutating func start(now: MonotonicInstant) {
        if election.leaderID == me.id, voters.all.count > 1 {
            // It led this epoch in its former life and can't know what it told others since: never again in this one.
            return becomeResigned(successors: voters.others(than: me.id), isFinal: false, now: now)
        }
        if let leaderID = election.leaderID, leaderID != me.id, voters.contains(id: leaderID) {
            return becomeFollower(of: leaderID, epoch: election.epoch, now: now)
        }
        // The pre-vote makes an early try harmless, so a cold cluster need not wait out an election timeout.
        becomeUnattached(epoch: election.epoch, electionAt: firstElection(now: now), now: now)
    }

    private mutating func firstElection(now: MonotonicInstant) -> MonotonicInstant {
        voters.all.count == 1 ? now : randomDelay(upTo: settings.electionTimeoutMilliseconds / 3, now: now)
    }

    /// No leader known in `epoch`, which is the present one or a later one.
    mutating func becomeUnattached(epoch: LeaderEpoch, electionAt: MonotonicInstant? = nil, now: MonotonicInstant) {
        precondition(epoch >= election.epoch, "an epoch went backwards")
        leaveLeadership()
        if epoch > election.epoch {
            election.epoch = epoch
            election.votedFor = nil
            election.leaderID = nil
        }
        let deadline = isVoter || isLeaving ? electionAt ?? electionDeadline(now: now) : nil
        // Those it would ask for votes may all have been replaced while it was away.
        let isAlone = lostElections > 0 && !settings.bootstrap.isEmpty
        let search: Errand = mayStand && !isAlone ? .done : .due(at: now)
        role = .unattached(UnattachedState(electionAt: deadline, search: search))
    }

    mutating func becomeProspective(now: MonotonicInstant) {
        precondition(mayStand, "a replica that may not stand asked for votes")
        let round = VoteRound(voters: voters, me: me.id, now: now, deadline: electionDeadline(now: now))
        role = .prospective(round)
        if round.isWon { becomeCandidate(now: now) }
    }

    mutating func becomeCandidate(now: MonotonicInstant) {
        election.epoch = election.epoch.next
        castVote(for: me)
        election.leaderID = nil
        let round = VoteRound(voters: voters, me: me.id, now: now, deadline: electionDeadline(now: now))
        role = .candidate(round)
        if round.isWon { becomeLeader(grantedBy: round.grantedBy, now: now) }
    }

    /// Won: opens the epoch in the log at once (Kafka's LeaderChange record), since only an entry of its own epoch
    /// lets a leader commit.
    mutating func becomeLeader(grantedBy: [ReplicaKey], now: MonotonicInstant) {
        lostElections = 0
        election.leaderID = me.id
        // Nobody is told before this record is durable (see `leaderID`): what others know of must not get lost.
        let state = LeaderState(epoch: election.epoch, epochStart: log.end, voters: voters, me: me, now: now)
        role = .leader(state)
        let founding = history.isFounding ? history.founding : nil
        let change = OwnBatch.leaderChange(
            leaderID: me.id, voters: voters.all, grantedBy: grantedBy, founding: founding)
        effects.append(.append(change, base: log.end, epoch: election.epoch))
        if let founding {
            history.append(QuorumChange(offset: log.end + 1, .kraftVersion(1)))
            history.append(QuorumChange(offset: log.end + 2, .voters(founding)))
        }
        log.append(epoch: election.epoch, through: log.end + (founding == nil ? 1 : 3))
        askFlush()
        effects.append(.becameLeader(election.epoch, startOffset: state.epochStart))
    }

    mutating func becomeFollower(of leaderID: BrokerID, epoch: LeaderEpoch, now: MonotonicInstant) {
        precondition(epoch >= election.epoch && leaderID != me.id, "not a leader to follow")
        leaveLeadership()
        if epoch > election.epoch {
            election.epoch = epoch
            election.votedFor = nil
        }
        election.leaderID = leaderID
        noteDataElsewhere()
        let deadline = now.advanced(byMilliseconds: fetchTimeoutMilliseconds(under: leaderID))
        role = .follower(
            FollowerState(
                leaderID: leaderID, fetchDeadline: deadline, firstFetchAt: now, firstMembershipAt: deadline))
    }

    /// A leader that lost its majority, or was asked to stop, or came back from a crash.
    mutating func becomeResigned(successors: [ReplicaKey], isFinal: Bool, now: MonotonicInstant) {
        leaveLeadership()
        let notices = successors.map { PeerErrand(peer: $0, errand: .due(at: now)) }
        let endsAt = electionDeadline(now: now)
        role = .resigned(
            ResignedState(successors: successors, notices: notices, endsAt: endsAt, isFinal: isFinal))
    }

    /// Nobody who waits at a leader may wait on when it leads no more.
    private mutating func leaveLeadership() {
        guard case .leader(var state) = role else { return }
        if let token = state.change?.token {
            effects.append(.answer(token, .voterChange(resigning(), .leadershipLost)))
        }
        let waiting = state.takeWaiting { _ in true }
        for fetch in waiting {
            effects.append(.answer(fetch.token, .fetch(resigning(), highWatermark: nil, .empty)))
        }
    }

    private func resigning() -> Verdict {
        Verdict(error: .notLeaderOrFollower, leaderID: nil, epoch: election.epoch)
    }

    /// Whoever votes when nobody has entries has nothing to forget: it remembers all from here on.
    mutating func castVote(for candidate: ReplicaKey) {
        precondition(election.standing != .catchingUp, "a voter voted before it caught up")
        election.votedFor = candidate
        if election.standing == .unproven { election.standing = .founding }
    }

    /// The quorum has entries and this replica has none: unless it is known to be a founder, it may have lost its own,
    /// and with them its votes. One that has no vote yet may get one later.
    mutating func noteDataElsewhere() {
        guard log.isBlank else { return }
        switch election.standing {
        case .unproven: election.standing = .catchingUp
        case .founding: election.standing = .expecting
        case .expecting, .catchingUp, .proven: break
        }
    }

    /// A voter that had to catch up has all that was committed when its leader established a high watermark.
    mutating func noteCaughtUp() {
        guard election.standing == .catchingUp, let following = role.following,
            let committed = following.leaderHighWatermark, log.flushedEnd >= committed
        else { return }
        election.standing = .proven
    }

    /// Learns of a later epoch, or of the leader of this one; true when that changed the role.
    mutating func learn(from verdict: Verdict, now: MonotonicInstant) -> Bool {
        let leader = verdict.leaderID.flatMap { mayLead($0) ? $0 : nil }
        if verdict.epoch > election.epoch {
            if let leader {
                becomeFollower(of: leader, epoch: verdict.epoch, now: now)
            } else {
                becomeUnattached(epoch: verdict.epoch, now: now)
            }
            return true
        }
        guard verdict.epoch == election.epoch, let leader, election.leaderID ?? leader == leader else { return false }
        switch role {
        case .unattached, .prospective, .candidate:
            becomeFollower(of: leader, epoch: verdict.epoch, now: now)
            return true
        case .leader, .follower, .resigned: return false
        }
    }

    mutating func shutDown(now: MonotonicInstant) {
        isShuttingDown = true
        switch role {
        case .leader(let state): becomeResigned(successors: state.successors, isFinal: true, now: now)
        case .resigned(var state):
            state.isFinal = true
            role = .resigned(state)
        case .prospective, .candidate: becomeUnattached(epoch: election.epoch, now: now)
        case .unattached, .follower: break
        }
    }

    mutating func resign(_ epoch: LeaderEpoch, now: MonotonicInstant) {
        guard case .leader(let state) = role, state.epoch == epoch else { return }
        becomeResigned(successors: state.successors, isFinal: false, now: now)
    }
}
