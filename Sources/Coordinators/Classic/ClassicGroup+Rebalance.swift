import OrderedCollections
import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

extension ClassicGroup {
    /// Starts a rebalance, or, where one is on, completes it if this was the last member to join.
    mutating func rebalanceOrComplete(
        at time: CoordinatorTime, _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        if isPreparing {
            completeIfAllJoined(at: time, settings, into: &outcome)
        } else {
            prepareRebalance(at: time, settings, into: &outcome)
        }
    }

    /// Calls all members to join. An empty group waits the initial delay for more of them.
    mutating func prepareRebalance(
        at time: CoordinatorTime, _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        precondition(!isPreparing, "group \(id) already prepares a rebalance")
        if outcome.events.last?.kind != .rebalance {
            outcome.events.append(GroupEvent(.rebalance, epoch: generation, memberCount: members.count))
        }
        if isCompleting { forgetAssignments(with: .rebalanceInProgress, at: time, into: &outcome) }
        let timeout = rebalanceTimeoutMilliseconds
        guard state == .empty else {
            let phase = JoinPhase(deadline: time.now.advanced(byMilliseconds: timeout))
            enter(.preparingRebalance(phase), at: time)
            if hasAllMembersJoined {
                completeJoin(at: time, settings, into: &outcome)
            } else {
                wake(at: phase.deadline)
            }
            return
        }
        let delay = settings.initialRebalanceDelayMilliseconds
        let round = JoinPhase.InitialRound(
            delayMilliseconds: delay, remainingMilliseconds: max(timeout - delay, 0), memberJoined: false)
        let phase = JoinPhase(deadline: time.now.advanced(byMilliseconds: delay), initialRound: round)
        enter(.preparingRebalance(phase), at: time)
        wake(at: phase.deadline)
        if delay == 0 { joinPhaseExpired(phase, at: time, settings, into: &outcome) }
    }

    /// Completes the join phase if nobody is missing. The initial delay of an empty group is always waited for.
    mutating func completeIfAllJoined(
        at time: CoordinatorTime, _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        guard case .preparingRebalance(let phase) = state, phase.initialRound == nil, hasAllMembersJoined else {
            return
        }
        completeJoin(at: time, settings, into: &outcome)
    }

    /// The join phase's time is up: another initial round if a member came during the last one, else completion.
    mutating func joinPhaseExpired(
        _ phase: JoinPhase, at time: CoordinatorTime, _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        if let round = phase.initialRound, round.memberJoined, round.remainingMilliseconds > 0 {
            let delay = min(settings.initialRebalanceDelayMilliseconds, round.remainingMilliseconds)
            let next = JoinPhase.InitialRound(
                delayMilliseconds: delay, remainingMilliseconds: max(round.remainingMilliseconds - delay, 0),
                memberJoined: false)
            let deadline = time.now.advanced(byMilliseconds: delay)
            state = .preparingRebalance(JoinPhase(deadline: deadline, initialRound: next))
            wake(at: deadline)
        } else {
            completeJoin(at: time, settings, into: &outcome)
        }
    }

    /// Ends the join phase: who did not join is out (static members stay until their session ends), a new generation
    /// begins, and every member that joined is told of it.
    mutating func completeJoin(
        at time: CoordinatorTime, _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        for member in members.values where !member.isAwaitingJoin && member.instanceID == nil {
            let timeout = "did not join again within its rebalance timeout of \(member.rebalanceTimeoutMilliseconds) ms"
            outcome.events.append(GroupEvent(.rejoinMissed, GroupEvent.Member(member), reason: timeout))
            drop(member.id)
        }
        guard members.isEmpty || electJoinedLeader() else {
            // Only static members that have not come back: wait on, until they do or their sessions end.
            let phase = JoinPhase(deadline: time.now.advanced(byMilliseconds: rebalanceTimeoutMilliseconds))
            state = .preparingRebalance(phase)
            wake(at: phase.deadline)
            return
        }
        generation = generation == Int32.max ? 1 : generation + 1
        guard !members.isEmpty else {
            protocolName = nil
            leaderID = nil
            subscribedTopics = readSubscribedTopics()
            enter(.empty, at: time)
            outcome.events.append(GroupEvent(.empty, epoch: generation, memberCount: 0))
            outcome.write = GroupDecision(record: .group(id: id, value: metadataValue()), then: nil)
            return
        }
        protocolName = favouriteProtocol
        outcome.events.append(GroupEvent(.generation, epoch: generation, memberCount: members.count))
        subscribedTopics = readSubscribedTopics()
        let syncDeadline = time.now.advanced(byMilliseconds: rebalanceTimeoutMilliseconds)
        enter(.completingRebalance(syncDeadline: syncDeadline), at: time)
        wake(at: syncDeadline)
        for memberID in members.keys {
            guard case .join(let ticket) = members[memberID]?.parked else { continue }
            outcome.replies.append((ticket, .join(joinResponse(for: memberID))))
            members[memberID]?.parked = .nothing
            members[memberID]?.isNew = false
            members[memberID]?.hasSynced = false
            heard(memberID, at: time.now)
        }
    }

    /// Makes sure that the leader is one who joined; false where nobody did.
    private mutating func electJoinedLeader() -> Bool {
        if let leaderID, members[leaderID]?.isAwaitingJoin ?? false { return true }
        guard let joined = members.values.first(where: \.isAwaitingJoin) else { return false }
        leaderID = joined.id
        return true
    }

    /// Takes all assignments back and answers the members that wait for theirs with `error`.
    mutating func forgetAssignments(
        with error: ErrorCode, at time: CoordinatorTime, into outcome: inout GroupOutcome
    ) {
        for memberID in members.keys {
            members[memberID]?.assignment = .empty
            guard members[memberID]?.isAwaitingSync ?? false else { continue }
            answerParked(of: memberID, with: error, into: &outcome)
            heard(memberID, at: time.now)
        }
    }

    /// The group as it is written down.
    func metadataValue(assignments: [String: Bytes]? = nil) -> GroupMetadataValue {
        var value = GroupMetadataValue()
        value.protocolType = protocolType ?? ""
        value.generation = generation
        value.protocol = protocolName
        value.leader = leaderID
        value.currentStateTimestamp = stateTimestamp?.value ?? -1
        value.members = members.values.map { member in
            var entry = GroupMetadataValue.MemberMetadata()
            entry.memberID = member.id
            entry.groupInstanceID = member.instanceID
            entry.clientID = member.clientID
            entry.clientHost = member.clientHost
            entry.rebalanceTimeout = member.rebalanceTimeoutMilliseconds
            entry.sessionTimeout = member.sessionTimeoutMilliseconds
            entry.subscription = protocolName.flatMap(member.metadata(of:)) ?? .empty
            entry.assignment = assignments.map { $0[member.id] ?? .empty } ?? member.assignment
            return entry
        }
        return value
    }

    /// The group as a new coordinator takes it over: members get a fresh session, for their heartbeats went elsewhere.
    /// Members without a leader were to share out anew (`GroupShard.downgrade`), and are called again.
    init(id: String, replayed value: GroupMetadataValue, at time: CoordinatorTime) {
        self.init(id: id)
        generation = value.generation
        protocolType = value.protocolType
        protocolName = value.protocol
        leaderID = value.leader
        stateTimestamp = value.currentStateTimestamp < 0 ? nil : Timestamp(value.currentStateTimestamp)
        for entry in value.members {
            let isOldRecord = entry.rebalanceTimeout < 0
            var member = ClassicMember(
                id: entry.memberID, instanceID: entry.groupInstanceID, clientID: entry.clientID,
                clientHost: entry.clientHost,
                rebalanceTimeoutMilliseconds: isOldRecord ? entry.sessionTimeout : entry.rebalanceTimeout,
                sessionTimeoutMilliseconds: entry.sessionTimeout,
                protocols: [MemberProtocol(name: value.protocol ?? "", metadata: entry.subscription.detached)])
            member.assignment = entry.assignment.detached
            members[member.id] = member
            if let instanceID = member.instanceID { staticMembers[instanceID] = member.id }
            heard(member.id, at: time.now)
            #if MUTANTS
                if Mutant.sessionsEndAtLoad.isOn {
                    members[member.id]?.sessionDeadline = time.now
                    wake(at: time.now)
                }
            #endif
        }
        state = members.isEmpty ? .empty : .stable(syncDeadline: nil)
        subscribedTopics = readSubscribedTopics()
        if leaderID == nil, !members.isEmpty {
            let phase = JoinPhase(deadline: time.now.advanced(byMilliseconds: rebalanceTimeoutMilliseconds))
            state = .preparingRebalance(phase)
            wake(at: phase.deadline)
        }
    }
}
