import OrderedCollections
import Primitives
import WireMessages

/// What a JoinGroup asks for, past the codec's sentinels.
struct JoinAttempt {
    let ticket: Ticket
    /// Empty for a member that has no id yet.
    let memberID: String
    let instanceID: String?
    let clientID: String
    let clientHost: String
    let sessionTimeoutMilliseconds: Int32
    let rebalanceTimeoutMilliseconds: Int32
    let protocolType: String
    let protocols: [MemberProtocol]
    /// The client joins again with the id it is given first (KIP-394, from version 4).
    let knowsTwoSteps: Bool
    /// The client lets a leader skip the assignment (KIP-814, from version 9).
    let knowsSkippedAssignment: Bool
    /// Makes the id of a new member unique.
    let newID: UUID128
    /// Why it joins, in the client's words (KIP-800, from version 8).
    let reason: String?

    init(_ request: JoinGroupRequest, from origin: RequestOrigin, ticket: Ticket, newID: UUID128) {
        self.ticket = ticket
        self.newID = newID
        reason = request.reason
        memberID = request.memberID
        instanceID = request.groupInstanceID
        clientID = origin.clientID
        clientHost = origin.clientHost
        sessionTimeoutMilliseconds = request.sessionTimeoutMilliseconds
        // Version 0 has no rebalance timeout: the session timeout stands for both.
        let isGiven = request.rebalanceTimeoutMilliseconds >= 0
        rebalanceTimeoutMilliseconds =
            isGiven ? request.rebalanceTimeoutMilliseconds : request.sessionTimeoutMilliseconds
        protocolType = request.protocolType
        protocols = request.protocols.map { MemberProtocol(name: $0.name, metadata: $0.metadata.detached) }
        knowsTwoSteps = origin.version >= 4
        knowsSkippedAssignment = origin.version >= 9
    }

    /// `clientID-uuid`, or `instanceID-uuid` for a static member.
    var freshMemberID: String { (instanceID ?? clientID) + "-" + newID.hyphenated }

    func member(id: String, now: MonotonicInstant) -> ClassicMember {
        ClassicMember(
            id: id, instanceID: instanceID, clientID: clientID, clientHost: clientHost,
            rebalanceTimeoutMilliseconds: rebalanceTimeoutMilliseconds,
            sessionTimeoutMilliseconds: sessionTimeoutMilliseconds, protocols: protocols, parked: .join(ticket),
            isNew: true)
    }
}

extension UUID128 {
    /// The form with 32 hexadecimal digits and hyphens, which Kafka uses inside member ids.
    var hyphenated: String {
        let digits = [high, low].map { half in
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }
}

extension ClassicGroup {
    /// Handles a JoinGroup whose group id and session timeout are in order.
    ///
    /// - Errors: GROUP_MAX_SIZE_REACHED, INCONSISTENT_GROUP_PROTOCOL, MEMBER_ID_REQUIRED, UNKNOWN_MEMBER_ID,
    ///   FENCED_INSTANCE_ID.
    mutating func join(
        _ attempt: JoinAttempt, at time: CoordinatorTime, _ settings: GroupConfiguration,
        into outcome: inout GroupOutcome
    ) {
        guard accepts(attempt.memberID, membersMax: settings.membersMax) else {
            refuse(attempt, .groupMaxSizeReached, memberID: "", into: &outcome)
            guard members[attempt.memberID] != nil || pendingMembers[attempt.memberID] != nil else { return }
            remove(attempt.memberID, because: .crowdedOut, into: &outcome)
            return membersLeft(at: time, settings, into: &outcome)
        }
        guard supports(protocolType: attempt.protocolType, protocols: attempt.protocols) else {
            return refuse(attempt, .inconsistentGroupProtocol, memberID: attempt.memberID, into: &outcome)
        }
        if attempt.memberID.isEmpty {
            joinAsNew(attempt, at: time, settings, into: &outcome)
        } else {
            joinAgain(attempt, at: time, settings, into: &outcome)
        }
    }

    /// True where the group has room: for members it knows always, but never more joins than `group.max.size`.
    private func accepts(_ memberID: String, membersMax: Int) -> Bool {
        switch state {
        case .empty: true
        case .preparingRebalance:
            members[memberID]?.isAwaitingJoin ?? false || members.values.count(where: \.isAwaitingJoin) < membersMax
        case .completingRebalance, .stable: members[memberID] != nil || members.count < membersMax
        }
    }

    private func refuse(
        _ attempt: JoinAttempt, _ error: ErrorCode, memberID: String, into outcome: inout GroupOutcome
    ) {
        outcome.replies.append((attempt.ticket, .join(.failure(error, memberID: memberID))))
    }

    private mutating func joinAsNew(
        _ attempt: JoinAttempt, at time: CoordinatorTime, _ settings: GroupConfiguration,
        into outcome: inout GroupOutcome
    ) {
        let memberID = attempt.freshMemberID
        if let instanceID = attempt.instanceID {
            if let former = staticMembers[instanceID] {
                replaceStaticMember(former, with: memberID, attempt, at: time, settings, into: &outcome)
            } else {
                addAndRebalance(attempt, as: memberID, at: time, settings, into: &outcome)
            }
        } else if attempt.knowsTwoSteps {
            guard pendingMembers.count < settings.pendingMembersMax else {
                return refuse(attempt, .groupMaxSizeReached, memberID: "", into: &outcome)
            }
            let deadline = time.now.advanced(byMilliseconds: Int64(attempt.sessionTimeoutMilliseconds))
            pendingMembers[memberID] = deadline
            wake(at: deadline)
            refuse(attempt, .memberIDRequired, memberID: memberID, into: &outcome)
        } else {
            addAndRebalance(attempt, as: memberID, at: time, settings, into: &outcome)
        }
    }

    private mutating func joinAgain(
        _ attempt: JoinAttempt, at time: CoordinatorTime, _ settings: GroupConfiguration,
        into outcome: inout GroupOutcome
    ) {
        let memberID = attempt.memberID
        if pendingMembers[memberID] != nil, attempt.instanceID == nil {
            return addAndRebalance(attempt, as: memberID, at: time, settings, into: &outcome)
        }
        if let error = errorOfMember(memberID, instanceID: attempt.instanceID) {
            return refuse(attempt, error, memberID: memberID, into: &outcome)
        }
        let isUnchanged = members[memberID]?.protocols == attempt.protocols
        switch state {
        case .empty: refuse(attempt, .unknownMemberID, memberID: memberID, into: &outcome)
        case .completingRebalance where isUnchanged:
            // The answer to its join was lost on the way: here it is again.
            heard(memberID, at: time.now)
            outcome.replies.append((attempt.ticket, .join(joinResponse(for: memberID))))
        case .stable where isUnchanged && leaderID != memberID:
            heard(memberID, at: time.now)
            outcome.replies.append((attempt.ticket, .join(joinResponse(for: memberID))))
        case .preparingRebalance, .completingRebalance, .stable:
            if !isPreparing { noteCause(attempt, isChanged: !isUnchanged, into: &outcome) }
            // A leader that joins a stable group again wants the partitions shared out anew.
            park(attempt, as: memberID, into: &outcome)
            rebalanceOrComplete(at: time, settings, into: &outcome)
        }
    }

    /// Why a member that is in the group already makes it rebalance.
    private func noteCause(_ attempt: JoinAttempt, isChanged: Bool, into outcome: inout GroupOutcome) {
        guard let member = members[attempt.memberID] else { return }
        let cause = isChanged ? "it subscribes to other topics or knows other assignors" : "it joins again"
        let text = attempt.reason.map { $0.isEmpty ? cause : "\(cause): \($0)" } ?? cause
        outcome.events.append(
            GroupEvent(
                .rebalance, GroupEvent.Member(member), epoch: generation, memberCount: members.count, reason: text))
    }

    private mutating func addAndRebalance(
        _ attempt: JoinAttempt, as memberID: String, at time: CoordinatorTime, _ settings: GroupConfiguration,
        into outcome: inout GroupOutcome
    ) {
        if case .preparingRebalance(var phase) = state, generation == 0, phase.initialRound != nil {
            phase.initialRound?.memberJoined = true
            state = .preparingRebalance(phase)
        }
        var member = attempt.member(id: memberID, now: time.now)
        // A client that went away while its join is parked can't be noticed, and without an id it can't take the
        // place up again: its first join is bounded.
        let deadline = time.now.advanced(byMilliseconds: settings.newMemberJoinTimeoutMilliseconds)
        member.sessionDeadline = deadline
        wake(at: deadline)
        outcome.events.append(GroupEvent(.joined, GroupEvent.Member(member), reason: attempt.reason))
        add(member, protocolType: attempt.protocolType)
        rebalanceOrComplete(at: time, settings, into: &outcome)
    }

    /// Parks the join of a member that is in the group and takes over what it says of itself.
    private mutating func park(_ attempt: JoinAttempt, as memberID: String, into outcome: inout GroupOutcome) {
        answerParked(of: memberID, with: .rebalanceInProgress, into: &outcome)
        members[memberID]?.protocols = attempt.protocols
        members[memberID]?.sessionTimeoutMilliseconds = attempt.sessionTimeoutMilliseconds
        members[memberID]?.rebalanceTimeoutMilliseconds = attempt.rebalanceTimeoutMilliseconds
        members[memberID]?.parked = .join(attempt.ticket)
    }

    /// A static member came back under a new id: the old id is fenced, the place in the group stays.
    private mutating func replaceStaticMember(
        _ former: String, with memberID: String, _ attempt: JoinAttempt, at time: CoordinatorTime,
        _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        let before = self
        let leaderBefore = leaderID
        answerParked(of: former, with: .fencedInstanceID, into: &outcome)
        guard var member = members[former], let position = members.index(forKey: former) else {
            preconditionFailure("static member \(former) is in the table but not in the group")
        }
        member.id = memberID
        member.isNew = false
        members.remove(at: position)
        members.updateValue(member, forKey: memberID, insertingAt: position)
        if let instanceID = member.instanceID { staticMembers[instanceID] = memberID }
        if leaderID == former { leaderID = memberID }
        park(attempt, as: memberID, into: &outcome)
        heard(memberID, at: time.now)
        outcome.events.append(
            GroupEvent(.replaced, GroupEvent.Member(member), reason: "in the place of \(former)"))

        switch state {
        case .empty: preconditionFailure("an empty group has a static member")
        case .stable where favouriteProtocol == protocolName:
            // Nothing changes for the others: the new id is written down and takes the assignment over.
            members[memberID]?.parked = .nothing
            let skips = attempt.knowsSkippedAssignment
            var response = joinResponse(for: memberID)
            if skips {
                response.skipAssignment = leaderID == memberID
            } else {
                // An old client that saw itself as leader would share out anew; it is told the former leader's id.
                response.leader = leaderBefore ?? ""
                response.members = []
            }
            outcome.write = GroupDecision(
                record: .group(id: id, value: metadataValue()),
                then: .staticMemberReplaced(attempt.ticket, .join(response), memberID: memberID, before: before))
        case .stable, .completingRebalance: prepareRebalance(at: time, settings, into: &outcome)
        case .preparingRebalance: completeIfAllJoined(at: time, settings, into: &outcome)
        }
    }

    /// The present generation as a member is told of it; the leader of one that is not complete gets all members.
    func joinResponse(for memberID: String) -> JoinGroupResponse {
        var response = JoinGroupResponse()
        response.generationID = generation
        response.protocolType = protocolType
        response.protocolName = protocolName
        response.leader = leaderID ?? ""
        response.memberID = memberID
        guard memberID == leaderID else { return response }
        response.members = members.values.map { member in
            var entry = JoinGroupResponse.JoinGroupResponseMember()
            entry.memberID = member.id
            entry.groupInstanceID = member.instanceID
            entry.metadata = protocolName.flatMap(member.metadata(of:)) ?? .empty
            return entry
        }
        return response
    }
}
