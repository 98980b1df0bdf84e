import HashTreeCollections
import Metadata
import Primitives
import WireMessages

/// Members of the classic protocol in a consumer group: they join, sync and send heartbeats as ever, and the
/// coordinator shares the partitions out for them, too. A generation is a member epoch to them; no one of them leads.
///
/// - Source: KIP-848 (migration), KAFKA-20272 (a rebalance only for a new target).
extension GroupShard {
    // MARK: Join

    mutating func joinConsumerGroup(
        _ attempt: JoinAttempt, group id: String, at time: CoordinatorTime
    ) -> [GroupEffect] {
        func refused(_ error: ErrorCode, memberID: String? = nil) -> [GroupEffect] {
            [.reply(attempt.ticket, .join(.failure(error, memberID: memberID ?? attempt.memberID)))]
        }
        guard let group = consumerGroup(id) else { return refused(.unknownMemberID) }
        var opening = ConsumerOpening(draft: ConsumerGroupDraft(id: id, group))
        if group.members.count >= settings.consumerMembersMax, group.members[attempt.memberID] == nil {
            return refused(.groupMaxSizeReached)
        }
        let isConsumer = attempt.protocolType == ClassicGroup.consumerProtocolType
        guard isConsumer, group.supportsClassic(attempt.protocols.map(\.name)),
            let subscription = attempt.protocols.first.flatMap({ ClassicConsumerSubscription($0.metadata) })
        else { return refused(.inconsistentGroupProtocol) }
        if attempt.memberID.isEmpty, attempt.instanceID == nil, attempt.knowsTwoSteps {
            return refused(.memberIDRequired, memberID: attempt.freshMemberID)
        }
        let seated = seat(attempt, &opening.draft)
        guard case .success(let seat) = seated else {
            if case .failure(let refusal) = seated { return refused(refusal.code) }
            return []
        }
        var member = seat.former ?? ConsumerMember(id: seat.memberID)
        member.adopt(attempt, subscription)
        if member.metadataRecord != seat.former?.metadataRecord { opening.draft.write(member.metadataRecord) }
        let hasNewSubscription = member.subscription != seat.former?.subscription
        opening.note(member, seat.former, isJoin: seat.replaced != nil, hasNewSubscription)
        if let expression = seat.former?.subscription.expression { opening.draft.forgetIfUnused(expression) }
        if hasNewSubscription || clocks[id]?.isMetadataStale ?? true {
            opening.draft.refresh(&topics, isChanged: hasNewSubscription)
        }
        clocks[id, default: ConsumerGroupClock()].isMetadataStale = false
        assignIfDue(&opening.draft, at: time)
        let owned = subscription.owned(topics)
        guard
            opening.draft.reconcile(member.id, owned: owned, hasNewSubscription: hasNewSubscription, topics)
        else { return refused(.unknownMemberID) }
        set(.session, of: member.id, in: id, after: Int64(attempt.sessionTimeoutMilliseconds), at: time)
        set(.join, of: member.id, in: id, after: nil, at: time)
        set(.sync, of: member.id, in: id, after: Int64(attempt.rebalanceTimeoutMilliseconds), at: time)

        if let replaced = seat.replaced, replaced.classic == nil, settings.migrationPolicy.allowsDowngrade,
            opening.draft.group.classicMemberCount == opening.draft.group.members.count,
            opening.draft.group.members.count <= settings.membersMax
        {
            // It took the place of the last consumer: the group is classic again.
            let answer = downgrade(&opening, joinedBy: member.id, hasNewSubscription, at: time)
            return finish(opening, then: .reply(attempt.ticket, .join(answer)), at: time)
        }
        var response = JoinGroupResponse()
        response.memberID = member.id
        response.generationID = opening.draft.group.members[member.id]?.epoch ?? 0
        response.protocolType = ClassicGroup.consumerProtocolType
        response.protocolName = attempt.protocols.first?.name
        return finish(opening, then: .reply(attempt.ticket, .join(response)), at: time)
    }

    /// Who joins, and as whom.
    private struct ClassicSeat {
        let memberID: String
        /// The member as it was; nil for one that is new.
        let former: ConsumerMember?
        /// The static member whose place it took.
        var replaced: ConsumerMember?
    }

    private func seat(
        _ attempt: JoinAttempt, _ draft: inout ConsumerGroupDraft
    ) -> Result<ClassicSeat, ConsumerRefusal> {
        let memberID = attempt.memberID.isEmpty ? attempt.freshMemberID : attempt.memberID
        guard let instanceID = attempt.instanceID else {
            return .success(ClassicSeat(memberID: memberID, former: draft.group.members[memberID]))
        }
        let holder = draft.group.staticMembers[instanceID].flatMap { draft.group.members[$0] }
        if attempt.memberID.isEmpty {
            guard let holder else { return .success(ClassicSeat(memberID: memberID, former: nil)) }
            let member = draft.replace(holder, with: memberID)
            return .success(ClassicSeat(memberID: memberID, former: member, replaced: holder))
        }
        guard let holder else { return .failure(ConsumerRefusal(.unknownMemberID, "")) }
        guard holder.id == memberID else { return .failure(ConsumerRefusal(.fencedInstanceID, "")) }
        return .success(ClassicSeat(memberID: memberID, former: holder))
    }

    // MARK: Sync and heartbeat

    /// A classic member that a request comes from.
    private func classicMember(
        _ memberID: String, instanceID: String?, generation: Int32, in group: ConsumerGroup
    ) -> Result<ConsumerMember, ConsumerRefusal> {
        if let instanceID {
            guard let holder = group.staticMembers[instanceID] else {
                return .failure(ConsumerRefusal(.unknownMemberID, ""))
            }
            if holder != memberID { return .failure(ConsumerRefusal(.fencedInstanceID, "")) }
        }
        guard let member = group.members[memberID], member.classic != nil else {
            return .failure(ConsumerRefusal(.unknownMemberID, ""))
        }
        if member.epoch != generation { return .failure(ConsumerRefusal(.illegalGeneration, "")) }
        return .success(member)
    }

    mutating func syncConsumerGroup(
        _ request: SyncGroupRequest, ticket: Ticket, at time: CoordinatorTime
    ) -> [GroupEffect] {
        func refused(_ error: ErrorCode) -> [GroupEffect] { [.reply(ticket, .sync(.failure(error)))] }
        let id = request.groupID
        guard let group = consumerGroup(id) else { return refused(.unknownMemberID) }
        let member: ConsumerMember
        switch classicMember(
            request.memberID, instanceID: request.groupInstanceID, generation: request.generationID, in: group)
        {
        case .failure(let refusal): return refused(refusal.code)
        case .success(let found): member = found
        }
        let protocolName = member.classic?.protocols.first?.name
        if let type = request.protocolType, type != ClassicGroup.consumerProtocolType {
            return refused(.inconsistentGroupProtocol)
        }
        if let name = request.protocolName, name != protocolName { return refused(.inconsistentGroupProtocol) }
        if group.targetEpoch > member.epoch, member.reconciliation != .unrevoked {
            expectJoin(of: member, in: id, at: time)
            return refused(.rebalanceInProgress)
        }
        set(.sync, of: member.id, in: id, after: nil, at: time)
        hear(member, in: id, at: time)
        let metadata = member.classic?.protocols.first?.metadata
        let version = metadata.flatMap(ClassicConsumerSubscription.init)?.version ?? 0
        var response = SyncGroupResponse()
        response.protocolType = request.protocolType
        response.protocolName = request.protocolName
        response.assignment = ConsumerProtocolAssignment.bytes(member.assigned, version: version, topics)
        let opening = ConsumerOpening(draft: ConsumerGroupDraft(id: id, group))
        return finish(opening, then: .reply(ticket, .sync(response)), at: time)
    }

    /// - Returns: as for a classic group; REBALANCE_IN_PROGRESS where there is a newer target, partitions to give up,
    ///   or partitions to take that are free now.
    mutating func heartbeatInConsumerGroup(_ request: HeartbeatRequest, at time: CoordinatorTime) -> ErrorCode {
        let id = request.groupID
        guard let group = consumerGroup(id) else { return .unknownMemberID }
        let member: ConsumerMember
        switch classicMember(
            request.memberID, instanceID: request.groupInstanceID, generation: request.generationID, in: group)
        {
        case .failure(let refusal): return refusal.code
        case .success(let found): member = found
        }
        hear(member, in: id, at: time)
        let isToJoin =
            switch member.reconciliation {
            case .unrevoked: true
            case .unreleased: group.targetEpoch > member.epoch || hasFreePartitions(for: member, in: group)
            case .stable, .unknown: group.targetEpoch > member.epoch
            }
        guard isToJoin else { return .noError }
        expectJoin(of: member, in: id, at: time)
        return .rebalanceInProgress
    }

    private func hasFreePartitions(for member: ConsumerMember, in group: ConsumerGroup) -> Bool {
        let mine = Set(member.assigned.map(\.partition))
        return (group.targets[member.id] ?? []).allSatisfy { mine.contains($0) || group.isFree($0) }
    }

    private mutating func hear(_ member: ConsumerMember, in id: String, at time: CoordinatorTime) {
        let timeout = Int64(member.classic?.sessionTimeoutMilliseconds ?? 0)
        set(.session, of: member.id, in: id, after: timeout, at: time)
    }

    private mutating func expectJoin(of member: ConsumerMember, in id: String, at time: CoordinatorTime) {
        if clocks[id]?.hasDeadline(.join, of: member.id) ?? true { return }
        set(.join, of: member.id, in: id, after: Int64(member.rebalanceTimeoutMilliseconds), at: time)
    }

    // MARK: Leaving

    mutating func leaveConsumerGroup(
        _ leaving: [LeaveGroupRequest.MemberIdentity], of id: String, ticket: Ticket, at time: CoordinatorTime
    ) -> [GroupEffect] {
        guard let group = consumerGroup(id) else { return [] }
        var gone: [String] = []
        var events: [GroupEvent] = []
        var response = LeaveGroupResponse()
        response.members = leaving.map { identity in
            var result = LeaveGroupResponse.MemberResponse()
            result.memberID = identity.memberID
            result.groupInstanceID = identity.groupInstanceID
            let holder = identity.groupInstanceID.map { group.staticMembers[$0] } ?? identity.memberID
            if let holder, let member = group.members[holder], member.classic != nil, !gone.contains(holder) {
                if !identity.memberID.isEmpty, identity.memberID != holder {
                    result.errorCode = .fencedInstanceID
                } else {
                    result.memberID = holder
                    gone.append(holder)
                    let kind = identity.memberID.isEmpty ? GroupEvent.Kind.removed : .left
                    events.append(GroupEvent(kind, GroupEvent.Member(member), reason: identity.reason))
                }
            } else {
                result.errorCode = .unknownMemberID
            }
            return result
        }
        var opening = ConsumerOpening(draft: ConsumerGroupDraft(id: id, group))
        opening.events = events
        if !gone.isEmpty { takeOut(gone, &opening, at: time) }
        return finish(opening, then: .reply(ticket, .leave(response)), at: time)
    }
}

extension ConsumerMember {
    /// What a classic member says of itself in its join.
    mutating func adopt(_ attempt: JoinAttempt, _ said: ClassicConsumerSubscription) {
        instanceID = attempt.instanceID ?? instanceID
        rackID = said.message.rackID ?? rackID
        rebalanceTimeoutMilliseconds = attempt.rebalanceTimeoutMilliseconds
        subscription = ConsumerSubscription(names: Set(said.message.topics).sorted(), expression: nil)
        clientID = attempt.clientID
        clientHost = attempt.clientHost
        serverAssignor = nil
        classic = ClassicMembership(
            sessionTimeoutMilliseconds: attempt.sessionTimeoutMilliseconds, protocols: attempt.protocols)
    }
}
