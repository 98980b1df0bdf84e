import OrderedCollections
import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

extension ClassicGroup {
    /// Handles a Heartbeat.
    ///
    /// - Returns: no error, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION or REBALANCE_IN_PROGRESS.
    mutating func heartbeat(_ request: HeartbeatRequest, at now: MonotonicInstant) -> ErrorCode {
        if let error = errorOfMember(request.memberID, instanceID: request.groupInstanceID) { return error }
        if request.generationID != generation { return .illegalGeneration }
        switch state {
        case .empty: return .unknownMemberID
        case .preparingRebalance:
            heard(request.memberID, at: now)
            return .rebalanceInProgress
        case .completingRebalance, .stable:
            heard(request.memberID, at: now)
            return .noError
        }
    }

    /// Handles a LeaveGroup of one or many members; an administrator names static members by instance id alone.
    ///
    /// - Errors: for each member UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID.
    mutating func leave(
        _ leaving: [LeaveGroupRequest.MemberIdentity], at time: CoordinatorTime, _ settings: GroupConfiguration,
        into outcome: inout GroupOutcome
    ) -> [LeaveGroupResponse.MemberResponse] {
        let before = members.count + pendingMembers.count
        let results = leaving.map { identity in
            var result = LeaveGroupResponse.MemberResponse()
            result.memberID = identity.memberID
            result.groupInstanceID = identity.groupInstanceID
            result.errorCode = leave(identity, into: &outcome)
            return result
        }
        if members.count + pendingMembers.count < before { membersLeft(at: time, settings, into: &outcome) }
        return results
    }

    private mutating func leave(
        _ identity: LeaveGroupRequest.MemberIdentity, into outcome: inout GroupOutcome
    ) -> ErrorCode {
        if identity.memberID.isEmpty {
            guard let instanceID = identity.groupInstanceID, let memberID = staticMembers[instanceID] else {
                return .unknownMemberID
            }
            remove(memberID, because: .removed, reason: identity.reason, into: &outcome)
            return .noError
        }
        if pendingMembers.removeValue(forKey: identity.memberID) != nil { return .noError }
        if let error = errorOfMember(identity.memberID, instanceID: identity.groupInstanceID) { return error }
        remove(identity.memberID, because: .left, reason: identity.reason, into: &outcome)
        return .noError
    }

    /// Takes a member out; a request that it has parked is told to come again as a new one.
    mutating func remove(
        _ memberID: String, because kind: GroupEvent.Kind, reason: String? = nil, into outcome: inout GroupOutcome
    ) {
        if let member = members[memberID] {
            outcome.events.append(GroupEvent(kind, GroupEvent.Member(member), reason: reason))
        }
        answerParked(of: memberID, with: .unknownMemberID, into: &outcome)
        pendingMembers[memberID] = nil
        drop(memberID)
    }

    /// Members are gone: the others share their part out, or a rebalance need not wait for them any more.
    mutating func membersLeft(
        at time: CoordinatorTime, _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        switch state {
        case .empty: break
        case .stable, .completingRebalance: prepareRebalance(at: time, settings, into: &outcome)
        case .preparingRebalance: completeIfAllJoined(at: time, settings, into: &outcome)
        }
    }

    /// Does all that is due: sessions, handed-out ids, the join phase, members that never fetched their assignment.
    mutating func expire(
        at time: CoordinatorTime, _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        let before = members.count + pendingMembers.count
        pendingMembers.removeAll { $0.value <= time.now }
        for member in members.values {
            guard let deadline = member.sessionDeadline, deadline <= time.now else { continue }
            #if MUTANTS
                if Mutant.silentMembersStay.isOn {
                    members[member.id]?.sessionDeadline = nil
                    continue
                }
            #endif
            if member.parked != .nothing && !member.isNew {
                members[member.id]?.sessionDeadline = nil  // A parked request proves its interest.
            } else {
                remove(member.id, because: .sessionExpired, reason: member.sessionText, into: &outcome)
            }
        }
        if members.count + pendingMembers.count < before { membersLeft(at: time, settings, into: &outcome) }
        switch state {
        case .preparingRebalance(let phase) where phase.deadline <= time.now:
            joinPhaseExpired(phase, at: time, settings, into: &outcome)
        case .completingRebalance(let deadline) where deadline <= time.now,
            .stable(.some(let deadline)) where deadline <= time.now:
            removeUnsynced(at: time, settings, into: &outcome)
        case .empty, .preparingRebalance, .completingRebalance, .stable: break
        }
        wakeAt = earliestDeadline(after: time.now)
    }

    /// Members that joined and did not ask for their assignment within the rebalance timeout are out.
    private mutating func removeUnsynced(
        at time: CoordinatorTime, _ settings: GroupConfiguration, into outcome: inout GroupOutcome
    ) {
        let silent = members.values.filter { !$0.hasSynced }.map(\.id)
        guard !silent.isEmpty else {
            if !isCompleting { state = .stable(syncDeadline: nil) }
            return
        }
        for memberID in silent { remove(memberID, because: .syncMissed, into: &outcome) }
        prepareRebalance(at: time, settings, into: &outcome)
    }

    private func earliestDeadline(after now: MonotonicInstant) -> MonotonicInstant? {
        var earliest: MonotonicInstant?
        func consider(_ deadline: MonotonicInstant) { earliest = earliest.map { min($0, deadline) } ?? deadline }
        for deadline in pendingMembers.values { consider(deadline) }
        for member in members.values { if let deadline = member.sessionDeadline { consider(deadline) } }
        switch state {
        case .empty, .stable(nil): break
        case .preparingRebalance(let phase): consider(phase.deadline)
        // One that has passed waits for a commitment only, and that brings its own wake-up.
        case .completingRebalance(let deadline), .stable(.some(let deadline)):
            if deadline > now { consider(deadline) }
        }
        return earliest
    }

    // MARK: Reading

    /// What DescribeGroups shows. Metadata and assignments are those of a stable group only.
    var description: DescribeGroupsResponse.DescribedGroup {
        var described = DescribeGroupsResponse.DescribedGroup()
        described.groupID = id
        described.groupState = state.name
        described.protocolType = protocolType ?? ""
        var shownProtocol: String?
        if case .stable = state { shownProtocol = protocolName }
        described.protocolData = shownProtocol ?? ""
        described.members = members.values.map { member in
            var shown = DescribeGroupsResponse.DescribedGroupMember()
            shown.memberID = member.id
            shown.groupInstanceID = member.instanceID
            shown.clientID = member.clientID
            shown.clientHost = member.clientHost
            if let shownProtocol {
                shown.memberMetadata = member.metadata(of: shownProtocol) ?? .empty
                shown.memberAssignment = member.assignment
            }
            return shown
        }
        return described
    }
}
