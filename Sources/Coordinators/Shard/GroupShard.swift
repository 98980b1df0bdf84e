import OrderedCollections
package import Primitives
package import WireMessages

/// The groups of one partition of `__consumer_offsets`, on the broker that leads it.
///
/// Answers that depend on records leave when these are committed.
///
/// - Not thread-safe: the host has one lock for each shard.
package struct GroupShard: CoordinatorShard {
    /// See `CoordinatorShard`.
    package typealias Settings = GroupConfiguration
    /// See `CoordinatorShard`.
    package typealias Image = GroupImage
    /// See `CoordinatorShard`.
    package typealias Reply = GroupReply
    /// Groups order nothing.
    package typealias Order = Never

    package static let topicName = "__consumer_offsets"

    let settings: GroupConfiguration
    var line: WriteLine<GroupImage, AfterCommit>
    /// Groups of the classic protocol that have, had or are about to have members.
    var groups: [String: ClassicGroup] = [:]
    /// The times of the groups of the consumer protocol, which are in `image` themselves.
    var clocks: [String: ConsumerGroupClock] = [:]
    /// What groups can subscribe to.
    var topics: SubscribableTopics
    /// The settings of consumer groups that have their own.
    package var ownLimits: [String: ConsumerGroupLimits]
    /// Not later than the earliest of `clocks`.
    var consumersWakeAt: MonotonicInstant?
    /// Producers whose transactions' coordinator was asked before their offsets are taken (KIP-890), until they end.
    var verifications: [ProducerID: Int64] = [:]
    var lastVerification: Int64 = 0
    /// What happened to the groups, for those who ask why.
    var timelines: GroupTimelines
    /// What ends with a write that the host has not appended yet.
    var endingGroups: [WriteID: EndingGroups] = [:]
    /// The consumer groups of writes that are decided and not appended yet.
    var groupsOfWrites: [WriteID: String] = [:]
    /// Not later than the earliest deadline of the groups.
    var groupsWakeAt: MonotonicInstant?
    var offsetCheckAt: MonotonicInstant
    /// Groups that have not had a generation yet.
    var newGroupCount = 0
    /// What is left of the check for old offsets that is on, the next group last.
    var groupsToCheck: [String] = []

    /// Starts a shard from the replayed log; members get a fresh session.
    package init(
        settings: GroupConfiguration, loaded image: GroupImage, topics: SubscribableTopics = SubscribableTopics(),
        ownLimits: [String: ConsumerGroupLimits] = [:], at time: CoordinatorTime
    ) {
        self.ownLimits = ownLimits
        self.settings = settings
        self.topics = topics
        line = WriteLine(loaded: image)
        timelines = GroupTimelines(settings, since: time.timeOfDay)
        offsetCheckAt = time.now.advanced(byMilliseconds: settings.offsetsRetentionCheckIntervalMilliseconds)
        for id in image.ids {
            if let group = image[id]?.consumer, !group.members.isEmpty || image[id]?.metadata == nil {
                startClock(of: id, group, at: time)
                continue
            }
            guard let metadata = image[id]?.metadata else { continue }
            var group = ClassicGroup(id: id, replayed: metadata, at: time)
            if group.members.count > settings.membersMax {
                // `group.max.size` has become smaller: who joins again first stays.
                var nobodyWaits = GroupOutcome()
                group.prepareRebalance(at: time, settings, into: &nobodyWaits)
            }
            groups[id] = group
            noteDeadline(of: group)
        }
    }

    /// The state with all records that were appended.
    package var image: GroupImage { line.image }
    /// The state at the high watermark: what reads see.
    package var committedImage: GroupImage { line.committedImage }

    /// Members that wait come again by themselves: nothing is begun here.
    package mutating func start(at time: CoordinatorTime) -> [GroupEffect] { [] }

    package var nextDeadline: MonotonicInstant {
        var earliest = offsetCheckAt
        if let groupsWakeAt { earliest = min(earliest, groupsWakeAt) }
        if let consumersWakeAt { earliest = min(earliest, consumersWakeAt) }
        if let late = line.nextDeadline { earliest = min(earliest, late) }
        return earliest
    }

    // MARK: Requests of members

    /// Handles JoinGroup 0–9; the answer may wait until the rebalance is complete.
    ///
    /// - Parameter newID: fresh randomness for the id of a new member.
    /// - Errors: INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, INVALID_REQUEST (more protocols or metadata, or a longer
    ///   instance id, than any client has), COORDINATOR_LOAD_IN_PROGRESS (too many groups begin at once),
    ///   UNKNOWN_MEMBER_ID, and those of `ClassicGroup.join`.
    package mutating func join(
        _ request: JoinGroupRequest, from origin: RequestOrigin, ticket: Ticket, newID: UUID128,
        at time: CoordinatorTime
    ) -> [GroupEffect] {
        let id = request.groupID
        let timeouts = settings.sessionTimeoutMillisecondsMin...settings.sessionTimeoutMillisecondsMax
        func refused(_ error: ErrorCode) -> [GroupEffect] {
            [.reply(ticket, .join(.failure(error, memberID: request.memberID)))]
        }
        if id.isEmpty { return refused(.invalidGroupID) }
        if !timeouts.contains(request.sessionTimeoutMilliseconds) { return refused(.invalidSessionTimeout) }
        if !isWithinLimits(request) { return refused(.invalidRequest) }
        let attempt = JoinAttempt(request, from: origin, ticket: ticket, newID: newID)
        var effects: [GroupEffect] = []
        if let group = consumerGroup(id) {
            guard group.members.isEmpty else { return joinConsumerGroup(attempt, group: id, at: time) }
            // Nobody is in it: the group becomes a classic one.
            if !request.memberID.isEmpty { return refused(.unknownMemberID) }
            var draft = ConsumerGroupDraft(id: id, group)
            draft.writeTombstones()
            effects.append(decide(draft.records, then: nil, at: time))
        }
        if groups[id] == nil {
            // An offset-only group is a group without members: only a new member can enter it.
            guard request.memberID.isEmpty else { return refused(.unknownMemberID) }
            // Clients come again after a while, when others have got their generation or have lapsed.
            if newGroupCount >= settings.newGroupsMax { return refused(.coordinatorLoadInProgress) }
            groups[id] = ClassicGroup(id: id)
            newGroupCount += 1
        }
        return effects
            + step(id, at: time) { group, settings, outcome in
                group.join(attempt, at: time, settings, into: &outcome)
            }
    }

    private func isWithinLimits(_ request: JoinGroupRequest) -> Bool {
        request.protocols.count <= settings.memberProtocolsMax
            && request.groupInstanceID?.utf8.count ?? 0 <= settings.instanceIDBytesMax
            && request.protocols.reduce(0) { $0 + $1.metadata.count } <= settings.memberMetadataBytesMax
    }

    /// Handles SyncGroup 0–5; the answer waits for the leader's assignment to be committed.
    package mutating func sync(_ request: SyncGroupRequest, ticket: Ticket, at time: CoordinatorTime) -> [GroupEffect] {
        if request.groupID.isEmpty { return [.reply(ticket, .sync(.failure(.invalidGroupID)))] }
        if consumerGroup(request.groupID) != nil { return syncConsumerGroup(request, ticket: ticket, at: time) }
        guard groups[request.groupID] != nil else { return [.reply(ticket, .sync(.failure(.unknownMemberID)))] }
        return step(request.groupID, at: time) { group, _, outcome in
            group.sync(request, ticket: ticket, at: time, into: &outcome)
        }
    }

    /// Handles Heartbeat 0–4; answered at once.
    package mutating func heartbeat(_ request: HeartbeatRequest, at time: CoordinatorTime) -> ErrorCode {
        if request.groupID.isEmpty { return .invalidGroupID }
        if consumerGroup(request.groupID) != nil {
            let error = heartbeatInConsumerGroup(request, at: time)
            noteRefusal(.fenced, error, memberID: request.memberID, of: request.groupID, at: time)
            return error
        }
        guard let error = groups[request.groupID]?.heartbeat(request, at: time.now) else { return .unknownMemberID }
        noteDeadline(of: groups[request.groupID])
        noteRefusal(.fenced, error, memberID: request.memberID, of: request.groupID, at: time)
        return error
    }

    /// Handles LeaveGroup 0–5; `members` has one entry for versions below 3.
    package mutating func leave(
        _ members: [LeaveGroupRequest.MemberIdentity], of groupID: String, ticket: Ticket, at time: CoordinatorTime
    ) -> [GroupEffect] {
        if consumerGroup(groupID) != nil { return leaveConsumerGroup(members, of: groupID, ticket: ticket, at: time) }
        var response = LeaveGroupResponse()
        guard !groupID.isEmpty, groups[groupID] != nil else {
            response.errorCode = groupID.isEmpty ? .invalidGroupID : .unknownMemberID
            return [.reply(ticket, .leave(response))]
        }
        let effects = step(groupID, at: time) { group, settings, outcome in
            response.members = group.leave(members, at: time, settings, into: &outcome)
        }
        return [.reply(ticket, .leave(response))] + effects
    }

    // MARK: Steps

    /// Lets one group step and turns its outcome into effects: answers first, then the write.
    mutating func step(
        _ id: String, at time: CoordinatorTime,
        _ body: (inout ClassicGroup, GroupConfiguration, inout GroupOutcome) -> Void
    ) -> [GroupEffect] {
        guard var group = groups.removeValue(forKey: id) else { return [] }
        let wasNew = group.generation == 0
        var outcome = GroupOutcome()
        body(&group, settings, &outcome)
        for event in outcome.events { timelines.note(event, of: id, at: time) }
        noteDeadline(of: group)
        if !group.isForgettable { groups[id] = group }
        if wasNew, group.isForgettable || group.generation > 0 { newGroupCount -= 1 }
        var effects = outcome.replies.map { GroupEffect.reply($0.ticket, $0.reply) }
        if let decision = outcome.write {
            effects.append(decide([decision.record], then: decision.then, at: time))
        }
        return effects
    }

    mutating func noteDeadline(of group: ClassicGroup?) {
        guard let deadline = group?.wakeAt else { return }
        groupsWakeAt = groupsWakeAt.map { min($0, deadline) } ?? deadline
    }
}
