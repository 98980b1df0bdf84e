import HashTreeCollections
import Metadata
import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

extension GroupShard {
    /// A member leaves for good, or a static one for a while: then its partitions wait for it until its session ends.
    func memberToLeave(
        _ request: ConsumerGroupHeartbeatRequest, _ group: ConsumerGroup
    ) throws(ConsumerRefusal) -> ConsumerMember {
        guard let instanceID = request.instanceID else {
            guard let member = group.members[request.memberID] else {
                throw .unknownMember(request.memberID, of: request.groupID)
            }
            return member
        }
        guard let member = group.staticMembers[instanceID].flatMap({ group.members[$0] }) else {
            throw ConsumerRefusal(.unknownMemberID, "Instance id \(instanceID) is unknown.")
        }
        guard member.id == request.memberID else {
            throw ConsumerRefusal(
                .fencedInstanceID,
                "Static member \(request.memberID) with instance id \(instanceID) was fenced by member \(member.id).")
        }
        return member
    }

    mutating func leaveConsumerGroup(
        _ request: ConsumerGroupHeartbeatRequest, ticket: Ticket, at time: CoordinatorTime
    ) throws(ConsumerRefusal) -> [GroupEffect] {
        var opening = try openConsumerGroup(request.groupID, creates: false, at: time)
        var member = try memberToLeave(request, opening.draft.group)
        var response = ConsumerGroupHeartbeatResponse()
        response.memberID = request.memberID
        response.memberEpoch = request.memberEpoch
        if request.memberEpoch == ConsumerMember.awayEpoch {
            member.epoch = ConsumerMember.awayEpoch
            member.pendingRevocation = []
            opening.draft.write(member.currentRecord)
            opening.events.append(GroupEvent(.away, GroupEvent.Member(member)))
        } else {
            opening.events.append(GroupEvent(.left, GroupEvent.Member(member)))
            takeOut([member.id], &opening, at: time)
        }
        return opening.effects + finish(opening, then: .reply(ticket, .consumerHeartbeat(response)), at: time)
    }

    /// Takes members out of their group, and shares their partitions out among the others. Where only classic members
    /// stay, the group goes back to the classic protocol if the settings allow it.
    mutating func takeOut(_ members: [String], _ opening: inout ConsumerOpening, at time: CoordinatorTime) {
        if becomesClassic(opening.draft.group, without: members) {
            return downgrade(&opening, without: members, at: time)
        }
        for id in members { opening.draft.remove(id) }
        let hash = topics.hash(of: opening.draft.group.subscribedTopics)
        #if MUTANTS
            if Mutant.leftKeepTargets.isOn { return }
        #endif
        opening.draft.raiseEpoch(hash: hash)
        if !opening.draft.group.members.isEmpty { assignIfDue(&opening.draft, at: time) }
        noteConsumerDeadline(of: opening.draft.id)
    }

    /// Does what is due in consumer groups: members that were not heard of or did not do in time what they had to are
    /// out, and targets that waited are computed.
    mutating func expireConsumers(at time: CoordinatorTime) -> [GroupEffect] {
        guard let wake = consumersWakeAt, wake <= time.now else { return [] }
        var effects: [GroupEffect] = []
        let due = clocks.filter { $0.value.wakeAt.map { $0 <= time.now } ?? false }.keys.sorted()
        for id in due { effects += expireConsumers(of: id, at: time) }
        consumersWakeAt = clocks.values.compactMap(\.wakeAt).min()
        return effects
    }

    /// Pause before a member that could not be taken out is looked at again.
    private static let retryMilliseconds: Int64 = 1_000

    private mutating func expireConsumers(of id: String, at time: CoordinatorTime) -> [GroupEffect] {
        guard let group = consumerGroup(id) else {
            clocks[id] = nil
            return []
        }
        let retry = time.now.advanced(byMilliseconds: GroupShard.retryMilliseconds)
        var late = clocks[id]?.takeLate(at: time.now, retry: retry) ?? []
        late.removeAll { group.members[$0.member] == nil }
        #if MUTANTS
            if Mutant.silentMembersStay.isOn { late = [] }
        #endif
        var opening = ConsumerOpening(draft: ConsumerGroupDraft(id: id, group))
        if !late.isEmpty {
            opening.events = late.compactMap { id, wait in group.members[id].map { wait.event(about: $0) } }
            takeOut(late.map(\.member), &opening, at: time)
        } else if let assignment = clocks[id]?.assignmentDue, assignment <= time.now {
            assignIfDue(&opening.draft, at: time)
        }
        let after = opening.draft.group
        clocks[id]?.tidy { group.members[$0] != nil || after.members[$0] != nil }
        return opening.effects + finish(opening, then: nil, at: time)
    }
}

extension GroupShard {
    /// Gives all members of a group that was loaded fresh times: their heartbeats went elsewhere.
    mutating func startClock(of id: String, _ group: ConsumerGroup, at time: CoordinatorTime) {
        var clock = ConsumerGroupClock()
        for member in group.members.values {
            let session = member.classic.map { Int64($0.sessionTimeoutMilliseconds) }
            let timeout = session ?? limits(of: id).sessionTimeoutMilliseconds
            clock.set(.session, of: member.id, to: time.now.advanced(byMilliseconds: timeout))
            #if MUTANTS
                if Mutant.sessionsEndAtLoad.isOn { clock.set(.session, of: member.id, to: time.now) }
            #endif
            guard member.reconciliation == .unrevoked, member.classic == nil else { continue }
            let revocation = Int64(member.rebalanceTimeoutMilliseconds)
            clock.set(.revocation, of: member.id, to: time.now.advanced(byMilliseconds: revocation))
        }
        clocks[id] = clock
        noteConsumerDeadline(of: id)
    }
}
