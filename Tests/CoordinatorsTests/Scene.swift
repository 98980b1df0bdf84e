import Coordinators
import Primitives
import Testing
import WireMessages
import WireProtocol

/// One shard with a log that takes every write, a clock that the test turns, and members that are called by letters.
final class Scene {
    let settings: GroupConfiguration
    var shard: GroupShard
    var time = CoordinatorTime(now: MonotonicInstant(0), timeOfDay: Timestamp(1_000_000))
    /// All records that were appended, in order.
    var log: [GroupRecord] = []
    /// Exclusive: of its records and of the ends of transactions.
    private var logEnd = Offset.zero
    /// The ends of transactions that were appended, in order.
    var ends: [TransactionEnd] = []
    /// Answers by ticket, as they leave.
    var replies: [Int64: GroupReply] = [:]
    /// Commits each write as soon as it is appended.
    var commitsAtOnce = true
    /// What the log says to the next writes instead of taking them.
    var logRefusal: ErrorCode?
    /// Writes that the log takes before it refuses one.
    var refusesAfter: Int?
    /// Writes that were appended.
    var writeCount = 0
    private var nextTicket: Int64 = 0
    private var nextID: UInt64 = 0

    init(_ adjust: (inout GroupConfiguration) -> Void = { _ in }) {
        var settings = GroupConfiguration()
        settings.initialRebalanceDelayMilliseconds = 0
        adjust(&settings)
        self.settings = settings
        shard = GroupShard(settings: settings, loaded: GroupImage(), at: time)
    }

    func perform(_ effects: [GroupEffect]) {
        var queue = effects
        while !queue.isEmpty {
            switch queue.removeFirst() {
            case .reply(let ticket, let reply):
                #expect(replies[ticket.value] == nil, "ticket \(ticket) is answered twice")
                replies[ticket.value] = reply
            case .append(let write):
                let wasCounting = refusesAfter != nil
                if let refusesAfter { self.refusesAfter = refusesAfter == 0 ? nil : refusesAfter - 1 }
                if let refusal = refusesAfter == nil && wasCounting ? ErrorCode.notEnoughReplicas : logRefusal {
                    queue += shard.refused(write.id, refusal, at: time)
                } else {
                    writeCount += 1
                    log += write.records
                    if let end = write.end { ends.append(end) }
                    logEnd = logEnd + Int64(write.records.count) + (write.end == nil ? 0 : 1)
                    shard.appended(write.id, end: logEnd)
                    if commitsAtOnce { queue += shard.committed(upTo: logEnd, at: time) }
                }
            }
        }
    }

    func commitAll() { perform(shard.committed(upTo: logEnd, at: time)) }

    func ticket() -> Ticket {
        nextTicket += 1
        return Ticket(nextTicket)
    }

    /// Turns the clock, stopping at every deadline on the way.
    func advance(milliseconds: Int64) {
        let end = time.now.advanced(byMilliseconds: milliseconds)
        while shard.nextDeadline <= end {
            let next = max(shard.nextDeadline, time.now)
            time.timeOfDay = Timestamp(time.timeOfDay.value + next.milliseconds(since: time.now))
            time.now = next
            perform(shard.expire(at: time))
            #expect(shard.nextDeadline > time.now, "the shard asks to be woken at a time that has passed")
        }
        time.timeOfDay = Timestamp(time.timeOfDay.value + end.milliseconds(since: time.now))
        time.now = end
    }

    /// A join; returns its ticket.
    @discardableResult
    func join(
        _ memberID: String = "", group: String = "g", instance: String? = nil, protocols: [String] = ["range"],
        type: String = "consumer", session: Int32 = 10_000, rebalance: Int32 = 60_000, version: Int16 = 9,
        metadata: String = "m", subscription: Bytes? = nil, client: String = "c"
    ) -> Ticket {
        var request = JoinGroupRequest()
        request.groupID = group
        request.memberID = memberID
        request.groupInstanceID = instance
        request.protocolType = type
        request.sessionTimeoutMilliseconds = session
        request.rebalanceTimeoutMilliseconds = rebalance
        request.protocols = protocols.map { name in
            var one = JoinGroupRequest.JoinGroupRequestProtocol()
            one.name = name
            one.metadata = subscription ?? Bytes(utf8: metadata)
            return one
        }
        let ticket = ticket()
        nextID += 1
        let origin = RequestOrigin(clientID: client, clientHost: "/127.0.0.1", version: version)
        perform(
            shard.join(request, from: origin, ticket: ticket, newID: UUID128(high: 0, low: nextID), at: time))
        return ticket
    }

    /// The two steps of a new dynamic member; returns its id and the ticket of the second.
    @discardableResult
    func joinTwice(group: String = "g", protocols: [String] = ["range"]) -> (id: String, ticket: Ticket) {
        let id = joined(join(group: group, protocols: protocols))?.memberID ?? ""
        return (id, join(id, group: group, protocols: protocols))
    }

    @discardableResult
    func sync(
        _ memberID: String, generation: Int32, group: String = "g", instance: String? = nil, type: String? = nil,
        name: String? = nil, assignments: [String: String] = [:], bytes: [String: Bytes] = [:]
    ) -> Ticket {
        var request = SyncGroupRequest()
        request.groupID = group
        request.memberID = memberID
        request.groupInstanceID = instance
        request.generationID = generation
        request.protocolType = type
        request.protocolName = name
        let given = assignments.mapValues { Bytes(utf8: $0) }.merging(bytes) { $1 }
        request.assignments = given.sorted { $0.key < $1.key }.map { id, assignment in
            var one = SyncGroupRequest.SyncGroupRequestAssignment()
            one.memberID = id
            one.assignment = assignment
            return one
        }
        let ticket = ticket()
        perform(shard.sync(request, ticket: ticket, at: time))
        return ticket
    }

    func heartbeat(
        _ memberID: String, generation: Int32, group: String = "g", instance: String? = nil
    ) -> ErrorCode {
        var request = HeartbeatRequest()
        request.groupID = group
        request.memberID = memberID
        request.generationID = generation
        request.groupInstanceID = instance
        return shard.heartbeat(request, at: time)
    }

    func leave(_ members: [(id: String, instance: String?)], group: String = "g") -> LeaveGroupResponse? {
        let ticket = ticket()
        let identities = members.map { member in
            var identity = LeaveGroupRequest.MemberIdentity()
            identity.memberID = member.id
            identity.groupInstanceID = member.instance
            return identity
        }
        perform(shard.leave(identities, of: group, ticket: ticket, at: time))
        guard case .leave(let response) = replies[ticket.value] else { return nil }
        return response
    }

    @discardableResult
    func commit(
        _ offset: Int64, member: String = "", generation: Int32 = -1, instance: String? = nil, group: String = "g",
        topic: String = "t", partition: Int32 = 0, metadata: String? = "", retention: Int64 = -1, version: Int16 = 9
    ) -> Ticket {
        var request = OffsetCommitRequest()
        request.groupID = group
        request.memberID = member
        request.groupInstanceID = instance
        request.generationIDOrMemberEpoch = generation
        request.retentionTimeMilliseconds = retention
        var one = OffsetCommitRequest.OffsetCommitRequestPartition()
        one.partitionIndex = PartitionIndex(partition)
        one.committedOffset = Offset(offset)
        one.committedMetadata = metadata
        var topicEntry = OffsetCommitRequest.OffsetCommitRequestTopic()
        topicEntry.name = topic
        topicEntry.partitions = [one]
        request.topics = [topicEntry]
        let ticket = ticket()
        perform(
            shard.commitOffsets(request, version: version, ticket: ticket, at: time) { name, _ in name != "missing" })
        return ticket
    }

    func delete(_ groups: [String]) -> [ErrorCode] {
        let ticket = ticket()
        perform(shard.deleteGroups(groups, ticket: ticket, at: time))
        guard case .deleteGroups(let results) = replies[ticket.value] else { return [] }
        return results.map(\.errorCode)
    }

    func deleteOffsets(_ topics: [String], partitions: Range<Int32> = 0..<1, group: String = "g")
        -> OffsetDeleteResponse?
    {
        var request = OffsetDeleteRequest()
        request.groupID = group
        request.topics = topics.map { name in
            var topic = OffsetDeleteRequest.OffsetDeleteRequestTopic()
            topic.name = name
            topic.partitions = partitions.map { index in
                var partition = OffsetDeleteRequest.OffsetDeleteRequestPartition()
                partition.partitionIndex = PartitionIndex(index)
                return partition
            }
            return topic
        }
        let ticket = ticket()
        perform(shard.deleteOffsets(request, ticket: ticket, at: time) { name, _ in name != "missing" })
        guard case .offsetDelete(let response) = replies[ticket.value] else { return nil }
        return response
    }

    /// What a consumer of these topics tells its leader, in version 1.
    static func subscription(_ topics: String...) -> Bytes {
        var message = ConsumerProtocolSubscription()
        message.topics = topics
        return Bytes([0, 1] + message.encoded(version: 1).array)
    }

    /// A stable group `g` of one consumer of these topics; returns the member's id.
    func stableConsumer(_ subscription: Bytes, type: String = "consumer") -> String {
        let id = joined(join(type: type, subscription: subscription))?.memberID ?? ""
        join(id, type: type, subscription: subscription)
        sync(id, generation: 1, assignments: [id: "all"])
        #expect(state() == "Stable")
        return id
    }

    func joined(_ ticket: Ticket) -> JoinGroupResponse? {
        guard case .join(let response) = replies[ticket.value] else { return nil }
        return response
    }

    func synced(_ ticket: Ticket) -> SyncGroupResponse? {
        guard case .sync(let response) = replies[ticket.value] else { return nil }
        return response
    }

    func committedError(_ ticket: Ticket) -> ErrorCode? {
        guard case .offsetCommit(let response) = replies[ticket.value] else { return nil }
        return response.topics.first?.partitions.first?.errorCode
    }

    func fetched(_ group: String = "g", topic: String = "t", partition: Int32 = 0) -> Int64? {
        let place = ConsumedPartition(topic: topic, index: PartitionIndex(partition))
        guard case .committed(let found) = shard.fetchOffset(of: place, group: group, isStableRequired: false) else {
            return nil
        }
        return found.offset.value
    }

    func state(_ group: String = "g") -> String { shard.describe(group)?.groupState ?? "Dead" }

    /// A new coordinator over the same log.
    func reloaded(_ adjust: (inout GroupConfiguration) -> Void = { _ in }) -> Scene {
        let next = Scene {
            $0 = self.settings
            adjust(&$0)
        }
        var image = GroupImage()
        for record in log { image.replay(record) }
        next.time = time
        next.log = log
        next.nextID = nextID
        next.shard = GroupShard(settings: next.settings, loaded: image, at: time)
        return next
    }

    /// A stable group of `count` dynamic members, in the order of their ids' creation; the first one leads.
    func stable(_ count: Int, group: String = "g", protocols: [String] = ["range"]) -> [String] {
        var ids: [String] = []
        for _ in 0..<count {
            ids.append(joinTwice(group: group, protocols: protocols).id)
            for id in ids.dropLast() { join(id, group: group, protocols: protocols) }
        }
        let generation = Int32(count)
        for id in ids.dropFirst() { sync(id, generation: generation, group: group) }
        let assignments = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, "part \($0)") })
        sync(ids[0], generation: generation, group: group, assignments: assignments)
        #expect(state(group) == "Stable")
        return ids
    }
}
