import HashTreeCollections
import OrderedCollections
package import Primitives

extension GroupShard {
    /// What happened to a group since this coordinator took over; empty where nothing did.
    package func timeline(of group: String) -> GroupTimeline { timelines[group] ?? GroupTimeline() }

    /// When this coordinator took over: what was before is not known to it.
    package var timelineSince: Timestamp { timelines.since }

    /// Keeps that a member was told that it is none any more, or speaks of an epoch that is over.
    mutating func noteRefusal(
        _ kind: GroupEvent.Kind, _ error: ErrorCode, memberID: String, of group: String, at time: CoordinatorTime
    ) {
        switch error {
        case .unknownMemberID, .illegalGeneration, .fencedInstanceID, .fencedMemberEpoch, .staleMemberEpoch,
            .unreleasedInstanceID:
            break
        default: return
        }
        // Strangers in a group that has no history are nobody's business.
        guard timelines[group] != nil, !memberID.isEmpty else { return }
        let known =
            groups[group]?.members[memberID].map { GroupEvent.Member($0) }
            ?? consumerGroup(group)?.members[memberID].map { GroupEvent.Member($0) }
        timelines.note(
            GroupEvent(kind, known ?? GroupEvent.Member(id: memberID), reason: "\(error)"), of: group, at: time)
    }

    /// Keeps what a decision about a consumer group makes of it.
    mutating func note(_ opening: ConsumerOpening, at time: CoordinatorTime) {
        let id = opening.draft.id
        let group = opening.draft.group
        for event in opening.events { timelines.note(event, of: id, at: time) }
        let before = consumerGroup(id)?.epoch ?? 0
        if let classic = opening.becomes {
            timelines.note(GroupEvent(.downgraded, epoch: classic.generation), of: id, at: time)
            let kind = classic.isPreparing ? GroupEvent.Kind.rebalance : .stable
            timelines.note(
                GroupEvent(kind, epoch: classic.generation, memberCount: classic.members.count), of: id, at: time)
        } else if group.epoch > before {
            let isTold = !opening.events.isEmpty || opening.reason != nil
            let reason = isTold ? opening.reason : "the subscribed topics have changed"
            timelines.note(
                GroupEvent(.rebalance, epoch: group.epoch, memberCount: group.members.count, reason: reason),
                of: id, at: time)
        }
        guard opening.becomes == nil, timelines.isRebalancing(id) else { return }
        switch group.state {
        case .stable, .empty:
            let kind = group.members.isEmpty ? GroupEvent.Kind.empty : .stable
            timelines.note(
                GroupEvent(kind, epoch: group.epoch, memberCount: group.members.count), of: id, at: time)
        case .assigning, .reconciling: break
        }
    }
}

extension ConsumerOpening {
    /// Keeps for the timeline what a heartbeat or a join says of its member.
    mutating func note(_ member: ConsumerMember, _ former: ConsumerMember?, isJoin: Bool, _ hasNewSubscription: Bool) {
        let named = GroupEvent.Member(member)
        if former == nil {
            events.append(GroupEvent(.joined, named))
        } else if isJoin {
            // In the place of its former life, under the same id or another.
            let isStatic = member.instanceID != nil
            events.append(GroupEvent(isStatic ? .replaced : .joined, named, reason: "in the place that it had"))
        } else if hasNewSubscription {
            reason = "member \(named.id) subscribes to other topics"
        }
    }
}
