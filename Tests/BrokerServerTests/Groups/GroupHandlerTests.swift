import Coordinators
import Metadata
import Primitives
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

/// Every version that is listed is spoken: requests and answers go through their bytes.
@Suite("Group APIs at every version") struct GroupHandlerTests {
    private func joinFields(_ request: inout JoinGroupRequest, member: String = "", instance: String? = nil) {
        request.groupID = "g"
        request.memberID = member
        request.groupInstanceID = instance
        request.sessionTimeoutMilliseconds = 10_000
        request.rebalanceTimeoutMilliseconds = 10_000
        request.protocolType = "consumer"
        var range = JoinGroupRequest.JoinGroupRequestProtocol()
        range.name = "range"
        range.metadata = Bytes([1])
        request.protocols = [range]
    }

    /// A stable group `g` of one member; returns its id.
    private func stableGroup(_ broker: GroupsUnderTest, version: Int16 = 9) throws -> String {
        var joined = try broker.call(broker.join, version: version) { joinFields(&$0) }.required()
        if version >= 4 {
            #expect(joined.errorCode == .memberIDRequired)
            let id = joined.memberID
            joined = try broker.call(broker.join, version: version) { joinFields(&$0, member: id) }.required()
        }
        #expect(joined.errorCode == .noError)
        #expect(joined.generationID == 1)
        #expect(joined.leader == joined.memberID)
        #expect(joined.members.count == 1)
        #expect(joined.protocolName == "range")
        let memberID = joined.memberID
        let synced = try broker.call(SyncGroupHandler(broker.groups), version: 3) { request in
            request.groupID = "g"
            request.generationID = 1
            request.memberID = memberID
            var assignment = SyncGroupRequest.SyncGroupRequestAssignment()
            assignment.memberID = memberID
            assignment.assignment = Bytes([2])
            request.assignments = [assignment]
        }.required()
        #expect(synced.errorCode == .noError)
        return memberID
    }

    @Test("JoinGroup", arguments: JoinGroupHandler.versions)
    func join(version: Int16) throws {
        let broker = GroupsUnderTest()
        let refused = try broker.call(broker.join, version: version) { joinFields(&$0, member: "m") }.required()
        #expect(refused.errorCode == .notCoordinator)
        #expect(refused.memberID == "m")
        let leading = try GroupsUnderTest.leading()
        let id = try stableGroup(leading, version: version)
        #expect(id.hasPrefix("client-"))
        #expect(id.utf8.count == "client-".utf8.count + 36)
    }

    @Test("SyncGroup", arguments: SyncGroupHandler.versions)
    func sync(version: Int16) throws {
        let broker = try GroupsUnderTest.leading()
        let id = try stableGroup(broker)
        let answer = try broker.call(SyncGroupHandler(broker.groups), version: version) { request in
            request.groupID = "g"
            request.generationID = 1
            request.memberID = id
            if version >= 5 { (request.protocolType, request.protocolName) = ("consumer", "range") }
        }.required()
        #expect(answer.errorCode == .noError)
        #expect(answer.assignment == Bytes([2]))
        guard version >= 5 else { return }
        let unnamed = try broker.call(SyncGroupHandler(broker.groups), version: version) { $0.groupID = "g" }.required()
        #expect(unnamed.errorCode == .inconsistentGroupProtocol)
    }

    @Test("Heartbeat", arguments: HeartbeatHandler.versions)
    func heartbeat(version: Int16) throws {
        let broker = try GroupsUnderTest.leading()
        let id = try stableGroup(broker)
        let answer = try broker.call(HeartbeatHandler(broker.groups), version: version) { request in
            request.groupID = "g"
            request.generationID = 1
            request.memberID = id
        }.required()
        #expect(answer.errorCode == .noError)
    }

    @Test("LeaveGroup", arguments: LeaveGroupHandler.versions)
    func leave(version: Int16) throws {
        let broker = try GroupsUnderTest.leading()
        let id = try stableGroup(broker)
        for (member, expected) in [("nobody", ErrorCode.unknownMemberID), (id, .noError)] {
            let answer = try broker.call(LeaveGroupHandler(broker.groups), version: version) { request in
                request.groupID = "g"
                if version < 3 {
                    request.memberID = member
                } else {
                    var identity = LeaveGroupRequest.MemberIdentity()
                    identity.memberID = member
                    request.members = [identity]
                }
            }.required()
            #expect((version < 3 ? answer.errorCode : answer.members.first?.errorCode) == expected)
        }
    }

    @Test("OffsetCommit and OffsetFetch from version 8", arguments: OffsetCommitHandler.versions)
    func offsets(version: Int16) throws {
        let broker = try GroupsUnderTest.leading()
        let committed = try broker.commit(42, version: version).required()
        #expect(committed.topics.first?.partitions.first?.errorCode == .noError)
        if version >= 10 { #expect(committed.topics.first?.topicID == GroupsUnderTest.dataTopicID) }
        for fetchVersion in [Int16(8), 9, 10] {
            let found = try broker.fetch(version: fetchVersion).groups.first?.topics.first
            #expect(found?.partitions.first?.committedOffset == Offset(42))
            #expect(found?.partitions.first?.metadata == "note")
        }
    }

    @Test("OffsetFetch before version 8", arguments: Int16(1)...7)
    func oldFetch(version: Int16) throws {
        let broker = try GroupsUnderTest.leading()
        _ = try broker.commit(42)
        let handler = OffsetFetchHandler(broker.groups, image: { [cache = broker.cache] in cache.current })
        for asksForAll in version >= 2 ? [false, true] : [false] {
            let answer = try broker.call(handler, version: version) { request in
                request.groupID = "g"
                var topic = OffsetFetchRequest.OffsetFetchRequestTopic()
                topic.name = "t"
                topic.partitionIndexes = [PartitionIndex(1)]
                request.topics = asksForAll ? nil : [topic]
            }.required()
            #expect(answer.topics.first?.partitions.first?.committedOffset == Offset(42))
        }
        let lost = GroupsUnderTest()
        let handlerOfLost = OffsetFetchHandler(lost.groups, image: { [cache = lost.cache] in cache.current })
        let answer = try lost.call(handlerOfLost, version: version) { request in
            request.groupID = "g"
            var topic = OffsetFetchRequest.OffsetFetchRequestTopic()
            topic.name = "t"
            topic.partitionIndexes = [PartitionIndex(1)]
            request.topics = [topic]
        }.required()
        let error = version < 2 ? answer.topics.first?.partitions.first?.errorCode : answer.errorCode
        #expect(error == .notCoordinator)
    }

    @Test("OffsetFetch tells unknown topic ids and groups from what is merely not committed")
    func fetchErrors() throws {
        let broker = try GroupsUnderTest.leading()
        #expect(try broker.fetch().groups.first?.topics.first?.partitions.first?.committedOffset == Offset(-1))
        let handler = OffsetFetchHandler(broker.groups, image: { [cache = broker.cache] in cache.current })
        let answer = try broker.call(handler, version: 10) { request in
            var asMember = OffsetFetchRequest.OffsetFetchRequestGroup()
            asMember.groupID = "g"
            asMember.memberID = "m"
            var unknownTopic = OffsetFetchRequest.OffsetFetchRequestGroup()
            unknownTopic.groupID = "g"
            var topic = OffsetFetchRequest.OffsetFetchRequestTopics()
            topic.topicID = UUID128(high: 1, low: 99)
            topic.partitionIndexes = [PartitionIndex(0)]
            unknownTopic.topics = [topic]
            request.groups = [asMember, unknownTopic]
        }.required()
        #expect(answer.groups.map(\.errorCode) == [.groupIDNotFound, .noError])
        #expect(answer.groups.last?.topics.first?.partitions.first?.errorCode == .unknownTopicID)
    }

    @Test("Who is cut off tells no offsets: another one may coordinate by now, and have newer ones")
    func cutOff() throws {
        let broker = try GroupsUnderTest.leading()
        _ = try broker.commit(5).required()
        broker.log.state.withLock { $0.isCutOff = true }
        #expect(try broker.fetch().groups.first?.errorCode == .notCoordinator)
        broker.log.state.withLock { $0.isCutOff = false }
        let told = try broker.fetch().groups.first?.topics.first?.partitions.first
        #expect(told?.committedOffset == Offset(5))
    }

    @Test("DescribeGroups", arguments: DescribeGroupsHandler.versions)
    func describe(version: Int16) throws {
        let broker = try GroupsUnderTest.leading()
        let id = try stableGroup(broker)
        let answer = try broker.call(DescribeGroupsHandler(broker.groups), version: version) { request in
            request.groups = ["g", "nobody"]
            if version >= 3 { request.includeAuthorizedOperations = true }
        }.required()
        #expect(answer.groups.first?.groupState == "Stable")
        #expect(answer.groups.first?.members.map(\.memberID) == [id])
        #expect(answer.groups.last?.groupState == "Dead")
        #expect(answer.groups.last?.errorCode == (version >= 6 ? .groupIDNotFound : .noError))
    }

    @Test("ListGroups", arguments: ListGroupsHandler.versions)
    func list(version: Int16) throws {
        let broker = try GroupsUnderTest.leading()
        _ = try stableGroup(broker)
        let answer = try broker.call(ListGroupsHandler(broker.groups), version: version) { _ in }.required()
        #expect(answer.groups.map(\.groupID) == ["g"])
    }

    @Test("DeleteGroups", arguments: DeleteGroupsHandler.versions)
    func delete(version: Int16) throws {
        let broker = try GroupsUnderTest.leading()
        _ = try broker.commit(42)
        let answer = try broker.call(DeleteGroupsHandler(broker.groups), version: version) { request in
            request.groupsNames = ["g", "nobody"]
        }.required()
        #expect(answer.results.map(\.groupID) == ["g", "nobody"])
        #expect(answer.results.map(\.errorCode) == [.noError, .groupIDNotFound])
    }

    @Test(
        "FindCoordinator has the offsets topic made, then names its leader", arguments: FindCoordinatorHandler.versions)
    func findCoordinator(version: Int16) throws {
        let broker = GroupsUnderTest()
        let creations = CountingRandomness()
        let suspicions = Suspicions()
        let handler = FindCoordinatorHandler(
            image: { [cache = broker.cache] in cache.current },
            isSuspected: { _ in suspicions.isOn }, createTopic: { _ in _ = creations.next() })
        func ask(_ key: String, type: Int8 = 0) throws -> (error: ErrorCode, node: BrokerID, port: Int32) {
            let answer = try broker.call(handler, version: version) { request in
                if version >= 4 { request.coordinatorKeys = [key] } else { request.key = key }
                if version >= 1 { request.keyType = type }
            }.required()
            if let found = answer.coordinators.first { return (found.errorCode, found.nodeID, found.port) }
            return (answer.errorCode, answer.nodeID, answer.port)
        }
        #expect(try ask("g").error == .coordinatorNotAvailable)
        #expect(creations.next() == 2)
        try broker.createTopics(leader: 1, epoch: 5)
        #expect(try ask("g").error == .coordinatorNotAvailable, "its broker is not registered")
        var registration = RegisterBrokerRecord()
        registration.brokerID = BrokerID(1)
        registration.fenced = false
        var endpoint = RegisterBrokerRecord.BrokerEndpoint()
        endpoint.name = "TEST"
        endpoint.host = "host"
        endpoint.port = 9092
        registration.endPoints = [endpoint]
        try broker.publish([.registerBroker(registration)])
        let found = try ask("g")
        #expect(found.error == .noError)
        #expect(found.node == BrokerID(1))
        #expect(found.port == 9092)
        #expect(try ask("").error == .noError, "simple consumers may have a group without a name (KIP-289)")
        suspicions.start()
        #expect(try ask("g").error == .coordinatorNotAvailable, "its broker was found dead")
        guard version >= 1 else { return }
        #expect(try ask("t", type: 1).error == .coordinatorNotAvailable)
        #expect(try ask("t", type: 9).error == .invalidRequest)
    }

    @Test("OffsetDelete", arguments: OffsetDeleteHandler.versions)
    func offsetDelete(version: Int16) throws {
        func deleted(_ broker: GroupsUnderTest, group: String = "g") throws -> OffsetDeleteResponse {
            let handler = OffsetDeleteHandler(broker.groups, image: { [cache = broker.cache] in cache.current })
            return try broker.call(handler, version: version) { request in
                request.groupID = group
                request.topics = ["t", "missing"].map { name in
                    var topic = OffsetDeleteRequest.OffsetDeleteRequestTopic()
                    topic.name = name
                    topic.partitions = [Int32(1), 7].map { index in
                        var partition = OffsetDeleteRequest.OffsetDeleteRequestPartition()
                        partition.partitionIndex = PartitionIndex(index)
                        return partition
                    }
                    return topic
                }
            }.required()
        }
        #expect(try deleted(GroupsUnderTest()).errorCode == .notCoordinator)
        let broker = try GroupsUnderTest.leading()
        #expect(try deleted(broker).errorCode == .groupIDNotFound)
        #expect(try deleted(broker, group: "").errorCode == .invalidGroupID)
        _ = try broker.commit(42)
        let answer = try deleted(broker)
        #expect(answer.errorCode == .noError)
        #expect(
            answer.topics.map { $0.partitions.map(\.errorCode) } == [
                [.noError, .unknownTopicOrPartition], [.unknownTopicOrPartition, .unknownTopicOrPartition],
            ])
        let left = try broker.fetch().groups.first?.topics.first?.partitions.first?.committedOffset
        #expect(left == Offset(-1))
    }
}

/// Whether brokers are suspected, as the test says.
private final class Suspicions: Sendable {
    private let state = Mutex(false)
    var isOn: Bool { state.withLock { $0 } }
    func start() { state.withLock { $0 = true } }
}
