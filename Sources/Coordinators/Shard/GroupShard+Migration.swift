import HashTreeCollections
import Metadata
import OrderedCollections
import Primitives
import WireMessages

extension GroupShard {
    /// Makes a consumer group of a classic one that works: everybody keeps what it has. Those who wait in a rebalance
    /// are told to join again; the consumer that has come raises the epoch.
    ///
    /// - Errors: GROUP_ID_NOT_FOUND where the group can't become one.
    mutating func upgrade(
        _ classic: ClassicGroup, at time: CoordinatorTime
    ) throws(ConsumerRefusal) -> ConsumerOpening {
        let id = classic.id
        guard settings.migrationPolicy.allowsUpgrade, classic.usesConsumerProtocol,
            classic.members.count <= settings.consumerMembersMax
        else { throw ConsumerRefusal(.groupIDNotFound, "Group \(id) is not a consumer group.") }
        guard let members = consumerMembers(of: classic) else {
            throw ConsumerRefusal(
                .groupIDNotFound,
                "Cannot upgrade the classic group \(id) to consumer group because the embedded consumer protocol is "
                    + "malformed.")
        }
        var opening = ConsumerOpening(draft: ConsumerGroupDraft(id: id, ConsumerGroup()), endsClassic: true)
        if image[id]?.metadata != nil { opening.draft.writeElsewhere(.group(id: id, value: nil)) }
        var value = ConsumerGroupMetadataValue()
        value.epoch = classic.generation
        for member in members { opening.draft.write(member.metadataRecord) }
        opening.draft.write(.group(value))
        for member in members {
            opening.draft.write(ConsumerGroupDraft.targetRecord(member.assigned.map(\.partition), of: member.id))
        }
        var target = ConsumerGroupTargetAssignmentMetadataValue()
        target.assignmentEpoch = classic.generation
        opening.draft.write(.targetEpoch(target))
        for member in members { opening.draft.write(member.currentRecord) }

        var outcome = GroupOutcome()
        for memberID in classic.members.keys {
            groups[id]?.answerParked(of: memberID, with: .rebalanceInProgress, into: &outcome)
        }
        opening.effects = outcome.replies.map { .reply($0.ticket, $0.reply) }
        opening.events.append(GroupEvent(.upgraded, epoch: classic.generation, memberCount: members.count))
        startClock(of: id, opening.draft.group, at: time)
        return opening
    }

    /// The members of a classic group as those of a consumer group; nil where one of them can't be read.
    private func consumerMembers(of classic: ClassicGroup) -> [ConsumerMember]? {
        var taken: Set<TopicPartitionID> = []
        var members: [ConsumerMember] = []
        for former in classic.members.values {
            let metadata = classic.protocolName.flatMap(former.metadata(of:)) ?? former.protocols.first?.metadata
            guard let subscription = metadata.flatMap(ClassicConsumerSubscription.init),
                let assignment = ConsumerProtocolAssignment.partitions(former.assignment, topics)
            else { return nil }
            var member = ConsumerMember(id: former.id)
            member.instanceID = former.instanceID
            member.rackID = subscription.message.rackID
            member.clientID = former.clientID
            member.clientHost = former.clientHost
            member.rebalanceTimeoutMilliseconds = former.rebalanceTimeoutMilliseconds
            member.subscription.names = Set(subscription.message.topics).sorted()
            member.classic = ClassicMembership(
                sessionTimeoutMilliseconds: former.sessionTimeoutMilliseconds, protocols: former.protocols)
            member.epoch = classic.generation
            member.previousEpoch = classic.generation
            // What a leader gave to two members is nobody's but the first one's.
            member.assigned = assignment.sorted().filter { taken.insert($0).inserted }
                .map { OwnedPartition(partition: $0, epoch: classic.generation) }
            members.append(member)
        }
        return members
    }

    /// True where the group has only classic members when these have left, and may become classic again.
    func becomesClassic(_ group: ConsumerGroup, without leaving: [String]) -> Bool {
        let leavingMembers = leaving.compactMap { group.members[$0] }
        let isLastConsumerGone = leavingMembers.contains { $0.classic == nil }
        let left = group.members.count - leavingMembers.count
        let classicLeft = group.classicMemberCount - leavingMembers.count { $0.classic != nil }
        return isLastConsumerGone && left > 0 && left == classicLeft && left <= settings.membersMax
            && settings.migrationPolicy.allowsDowngrade
    }

    /// Makes a classic group of a consumer group that some have left, which calls the others to a rebalance.
    mutating func downgrade(_ opening: inout ConsumerOpening, without leaving: [String], at time: CoordinatorTime) {
        var classic = classicGroup(of: &opening, without: leaving, isRebalanceDue: true, at: time)
        var nobodyWaits = GroupOutcome()
        classic.prepareRebalance(at: time, settings, into: &nobodyWaits)
        opening.becomes = classic
    }

    /// Makes a classic group of a consumer group whose last consumer a static member of its name has replaced. All keep
    /// what they have: in a rebalance its partitions might be another's before the replaced one hears of anything. Only
    /// where not everybody has its target, or the member subscribes to other topics, all join anew.
    ///
    /// - Returns: what the member is told.
    /// - Source: KIP-345, KIP-848.
    mutating func downgrade(
        _ opening: inout ConsumerOpening, joinedBy memberID: String, _ hasNewSubscription: Bool,
        at time: CoordinatorTime
    ) -> JoinGroupResponse {
        guard opening.draft.group.state == .stable, !hasNewSubscription else {
            downgrade(&opening, without: [], at: time)
            return .failure(.rebalanceInProgress, memberID: memberID)
        }
        let classic = classicGroup(of: &opening, without: [], isRebalanceDue: false, at: time)
        opening.becomes = classic
        var response = JoinGroupResponse()
        response.memberID = memberID
        response.generationID = classic.generation
        response.protocolType = ClassicGroup.consumerProtocolType
        response.protocolName = classic.protocolName
        return response
    }

    /// The classic group that a consumer group becomes, and the records for it. One without a leader is called to a
    /// rebalance by whoever reads them, too: what those who left had is nobody's.
    private func classicGroup(
        of opening: inout ConsumerOpening, without leaving: [String], isRebalanceDue: Bool, at time: CoordinatorTime
    ) -> ClassicGroup {
        let group = opening.draft.group
        var classic = ClassicGroup(id: opening.draft.id)
        for member in group.members.values.sorted(by: { $0.id < $1.id }) where !leaving.contains(member.id) {
            guard let membership = member.classic else { continue }
            let metadata = membership.protocols.first?.metadata
            let version = metadata.flatMap(ClassicConsumerSubscription.init)?.version ?? 0
            var next = ClassicMember(
                id: member.id, instanceID: member.instanceID, clientID: member.clientID,
                clientHost: member.clientHost, rebalanceTimeoutMilliseconds: member.rebalanceTimeoutMilliseconds,
                sessionTimeoutMilliseconds: membership.sessionTimeoutMilliseconds, protocols: membership.protocols)
            next.assignment = ConsumerProtocolAssignment.bytes(member.assigned, version: version, topics)
            classic.add(next, protocolType: ClassicGroup.consumerProtocolType)
        }
        classic.generation = group.epoch
        classic.protocolName = classic.favouriteProtocol
        classic.enter(.stable(syncDeadline: nil), at: time)
        classic.subscribedTopics = classic.readSubscribedTopics()
        if isRebalanceDue { classic.leaderID = nil }
        opening.draft.writeTombstones()
        opening.draft.writeElsewhere(.group(id: classic.id, value: classic.metadataValue()))
        for memberID in classic.members.keys { classic.heard(memberID, at: time.now) }
        return classic
    }
}
