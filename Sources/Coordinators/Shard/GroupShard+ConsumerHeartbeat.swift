import HashTreeCollections
import Metadata
package import Primitives
package import WireMessages

extension GroupShard {
    /// Handles ConsumerGroupHeartbeat 0–1: a member joins (epoch 0), stays, leaves (-1), or goes away for a while (a
    /// static member, -2). Answered when what it changes is committed.
    ///
    /// - Parameter newID: fresh randomness for the id of a member that has none (version 0).
    /// - Errors: INVALID_REQUEST, UNSUPPORTED_ASSIGNOR, INVALID_REGULAR_EXPRESSION, GROUP_ID_NOT_FOUND,
    ///   GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID.
    /// - Source: KIP-848.
    package mutating func consumerHeartbeat(
        _ request: ConsumerGroupHeartbeatRequest, from origin: RequestOrigin, ticket: Ticket, newID: UUID128,
        at time: CoordinatorTime
    ) -> [GroupEffect] {
        do throws(ConsumerRefusal) {
            try request.check(version: origin.version, settings)
            if request.memberEpoch < 0 { return try leaveConsumerGroup(request, ticket: ticket, at: time) }
            return try stayInConsumerGroup(request, from: origin, ticket: ticket, newID: newID, at: time)
        } catch {
            noteRefusal(.fenced, error.code, memberID: request.memberID, of: request.groupID, at: time)
            return [.reply(ticket, .consumerHeartbeat(.failure(error)))]
        }
    }

    private mutating func stayInConsumerGroup(
        _ request: ConsumerGroupHeartbeatRequest, from origin: RequestOrigin, ticket: Ticket, newID: UUID128,
        at time: CoordinatorTime
    ) throws(ConsumerRefusal) -> [GroupEffect] {
        let id = request.groupID
        var opening = try openConsumerGroup(id, creates: request.memberEpoch == 0, at: time)
        let memberID = request.memberID.isEmpty ? newID.description : request.memberID
        try checkRoom(in: opening.draft.group, for: memberID)
        let before = try seat(request, memberID, &opening.draft)
        var member = before ?? ConsumerMember(id: memberID)
        member.adopt(request, from: origin)
        if member.metadataRecord != before?.metadataRecord { opening.draft.write(member.metadataRecord) }
        let hasNewSubscription = before?.subscription != member.subscription
        opening.note(member, before, isJoin: request.memberEpoch == 0, hasNewSubscription)
        let isResolved = try resolveExpressions(
            of: member, before: before?.subscription.expression, &opening.draft, at: time)
        if hasNewSubscription || isResolved || clocks[id]?.isMetadataStale ?? true {
            opening.draft.refresh(&topics, isChanged: hasNewSubscription)
        }
        clocks[id, default: ConsumerGroupClock()].isMetadataStale = false
        assignIfDue(&opening.draft, at: time)
        guard
            opening.draft.reconcile(
                memberID, owned: request.ownedPartitions, hasNewSubscription: hasNewSubscription, topics)
        else {
            throw ConsumerRefusal(
                .fencedMemberEpoch,
                "The consumer group member is in an unknown state. The member must abandon all its partitions and "
                    + "rejoin.")
        }
        let after = opening.draft.group.members[memberID] ?? member
        let limits = limits(of: id)
        set(.session, of: memberID, in: id, after: limits.sessionTimeoutMilliseconds, at: time)
        keepRevocationTime(of: after, before: before, in: id, at: time)

        var response = ConsumerGroupHeartbeatResponse()
        response.memberID = memberID
        response.memberEpoch = after.epoch
        response.heartbeatIntervalMilliseconds = limits.heartbeatIntervalMilliseconds
        if request.isFull || after.assigned.map(\.partition) != before?.assigned.map(\.partition) {
            response.assignment = ConsumerGroupHeartbeatResponse.assigned(after.assigned)
        }
        return opening.effects + finish(opening, then: .reply(ticket, .consumerHeartbeat(response)), at: time)
    }

    private func checkRoom(in group: ConsumerGroup, for memberID: String) throws(ConsumerRefusal) {
        guard group.members.count >= settings.consumerMembersMax, group.members[memberID] == nil else { return }
        throw ConsumerRefusal(
            .groupMaxSizeReached,
            "The consumer group has reached its maximum capacity of \(settings.consumerMembersMax) members.")
    }

    /// Finds the member that a heartbeat comes from, or puts a static one in the place of its former life.
    ///
    /// - Returns: nil for one that is new.
    private func seat(
        _ request: ConsumerGroupHeartbeatRequest, _ memberID: String, _ draft: inout ConsumerGroupDraft
    ) throws(ConsumerRefusal) -> ConsumerMember? {
        let isJoin = request.memberEpoch == 0
        if let instanceID = request.instanceID, let holder = try staticMember(instanceID, request, draft, isJoin) {
            guard isJoin, holder.id != memberID else { return try known(holder, request, &draft) }
            if holder.classic == nil, holder.epoch != ConsumerMember.awayEpoch {
                throw ConsumerRefusal(
                    .unreleasedInstanceID,
                    "Static member \(memberID) with instance id \(instanceID) cannot join the group because the "
                        + "instance id is owned by \(holder.id) member.")
            }
            return draft.replace(holder, with: memberID)
        }
        if let member = draft.group.members[memberID] { return try known(member, request, &draft) }
        if isJoin { return nil }
        throw .unknownMember(memberID, of: request.groupID)
    }

    private func staticMember(
        _ instanceID: String, _ request: ConsumerGroupHeartbeatRequest, _ draft: ConsumerGroupDraft, _ isJoin: Bool
    ) throws(ConsumerRefusal) -> ConsumerMember? {
        guard let holder = draft.group.staticMembers[instanceID].flatMap({ draft.group.members[$0] }) else {
            if isJoin { return nil }
            throw ConsumerRefusal(.unknownMemberID, "Instance id \(instanceID) is unknown.")
        }
        if !isJoin, holder.id != request.memberID {
            throw ConsumerRefusal(
                .fencedInstanceID,
                "Static member \(request.memberID) with instance id \(instanceID) was fenced by member \(holder.id).")
        }
        return holder
    }

    /// A member that is in the group. One that joins again with its own id says that it owns nothing: it begins anew,
    /// and the group's next epoch fences what may still come from its former life.
    private func known(
        _ member: ConsumerMember, _ request: ConsumerGroupHeartbeatRequest, _ draft: inout ConsumerGroupDraft
    ) throws(ConsumerRefusal) -> ConsumerMember {
        let isRetry = member.previousEpoch == 0 && member.classic == nil && member.reconciliation != .unrevoked
        guard request.memberEpoch == 0, !isRetry else {
            try member.checkEpoch(request.memberEpoch, owned: request.ownedPartitions)
            return member
        }
        draft.write(.current(member: member.id, nil))
        draft.raiseEpoch(hash: draft.group.metadataHash)
        return draft.group.members[member.id] ?? member
    }

    /// A member that has to give partitions up gets the rebalance timeout for it.
    private mutating func keepRevocationTime(
        of member: ConsumerMember, before: ConsumerMember?, in id: String, at time: CoordinatorTime
    ) {
        guard member.reconciliation == .unrevoked, member.classic == nil else {
            return set(.revocation, of: member.id, in: id, after: nil, at: time)
        }
        let isWaiting = member.epoch == before?.epoch && before?.reconciliation == .unrevoked
        if isWaiting && clocks[id]?.hasDeadline(.revocation, of: member.id) ?? false { return }
        set(.revocation, of: member.id, in: id, after: Int64(member.rebalanceTimeoutMilliseconds), at: time)
    }
}
