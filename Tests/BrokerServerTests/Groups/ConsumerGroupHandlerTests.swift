import Coordinators
import Metadata
import Primitives
import Testing
import WireMessages

@testable import BrokerServer

@Suite("Consumer group APIs") struct ConsumerGroupHandlerTests {
    /// A broker that leads, of a cluster that has agreed on the protocol.
    private func broker(_ adjust: (inout GroupConfiguration) -> Void = { _ in }) throws -> GroupsUnderTest {
        let broker = try GroupsUnderTest.leading(adjust)
        var feature = FeatureLevelRecord()
        feature.name = "group.version"
        feature.featureLevel = 1
        try broker.publish([.featureLevel(feature)])
        return broker
    }

    private func beat(
        _ broker: GroupsUnderTest, _ member: String, _ epoch: Int32, version: Int16 = 1
    ) throws -> ConsumerGroupHeartbeatResponse {
        let handler = ConsumerGroupHeartbeatHandler(broker.groups, randomness: CountingRandomness())
        return try broker.call(handler, version: version) { request in
            request.groupID = "g"
            request.memberID = member
            request.memberEpoch = epoch
            guard epoch == 0 else { return }
            request.rebalanceTimeoutMilliseconds = 10_000
            request.subscribedTopicNames = ["t", "u"]
            request.topicPartitions = []
        }.required()
    }

    private func describe(
        _ broker: GroupsUnderTest, _ group: String, version: Int16 = 1
    ) throws -> ConsumerGroupDescribeResponse.DescribedGroup {
        let response = try broker.call(ConsumerGroupDescribeHandler(broker.groups), version: version) { request in
            request.groupIDs = [group]
            request.includeAuthorizedOperations = true
        }.required()
        return try #require(response.groups.first)
    }

    @Test("a member joins and is described", arguments: ConsumerGroupHeartbeatHandler.versions)
    func joins(version: Int16) throws {
        let broker = try broker()
        let joined = try beat(broker, version == 0 ? "" : "m", 0, version: version)
        #expect(joined.errorCode == .noError && joined.memberEpoch == 1)
        #expect(joined.assignment?.topicPartitions.first?.partitions.count == 2)
        let described = try describe(broker, "g", version: version)
        #expect(described.errorCode == .noError && described.groupState == "Stable")
        #expect(described.members.first?.assignment.topicPartitions.first?.topicName == "t")
        #expect(described.members.first?.clientHost.hasPrefix("/") == true)
        #expect(described.authorizedOperations > 0)
    }

    @Test("without the feature, or without the protocol in the settings, it is not served")
    func notServed() throws {
        let without = try GroupsUnderTest.leading()
        #expect(try beat(without, "m", 0).errorCode == .unsupportedVersion)
        let classicOnly = try broker { $0.servesConsumerProtocol = false }
        #expect(try beat(classicOnly, "m", 0).errorCode == .unsupportedVersion)
        #expect(try describe(classicOnly, "g").errorCode == .unsupportedVersion)
    }

    @Test("groups that are not there, or of the other protocol, are told apart")
    func others() throws {
        let broker = try broker()
        #expect(try describe(broker, "").errorCode == .invalidGroupID)
        #expect(try describe(broker, "none").errorMessage == "Group none not found.")
        _ = try beat(broker, "m", 0)
        let classic = try broker.call(DescribeGroupsHandler(broker.groups), version: 6) { $0.groups = ["g"] }.required()
        #expect(classic.groups.first?.errorCode == .groupIDNotFound)
        #expect(classic.groups.first?.errorMessage == "Group g is not a classic group.")
        _ = try broker.commit(4).required()
        #expect(try broker.fetch().groups.first?.errorCode == .noError)
    }

    @Test("a topic that is made is assigned with the next heartbeat; a group's own settings are told")
    func metadata() throws {
        let broker = try broker { $0.consumerLimits.assignmentIntervalMilliseconds = 0 }
        _ = try beat(broker, "m", 0)
        var topic = TopicRecord()
        (topic.name, topic.topicID) = ("u", UUID128(high: 9, low: 9))
        var partition = PartitionRecord()
        (partition.topicID, partition.partitionID) = (topic.topicID, PartitionIndex(0))
        partition.replicas = [BrokerID(1)]
        var config = ConfigRecord()
        (config.resourceType, config.resourceName) = (32, "g")
        (config.name, config.value) = ("consumer.heartbeat.interval.ms", "7000")
        try broker.publish([.topic(topic), .partition(partition), .config(config)])
        let answer = try beat(broker, "m", 1)
        #expect(answer.assignment?.topicPartitions.count == 2 && answer.memberEpoch == 2)
        #expect(answer.heartbeatIntervalMilliseconds == 7_000)
    }

    @Test("a coordinator that takes over has the group, and the metadata that were told meanwhile")
    func takeover() throws {
        let broker = try broker()
        _ = try beat(broker, "m", 0)
        try broker.changeLeader(to: 2)
        #expect(try beat(broker, "m", 1).errorCode == .notCoordinator)
        broker.log.lead(in: LeaderEpoch(7))
        try broker.changeLeader(to: 1)
        let answer = try beat(broker, "m", 1)
        #expect(answer.errorCode == .noError && answer.memberEpoch == 1)
    }

    @Test("OffsetFetch of a member is refused where its epoch is not the present one")
    func fetchByMember() throws {
        let broker = try broker()
        _ = try beat(broker, "m", 0)
        let handler = OffsetFetchHandler(broker.groups, image: { [cache = broker.cache] in cache.current })
        for (member, epoch, error) in [
            ("m", 1, ErrorCode.noError), ("m", 0, .staleMemberEpoch), ("x", 1, .unknownMemberID),
        ] as [(String, Int32, ErrorCode)] {
            let response = try broker.call(handler, version: 9) { request in
                var group = OffsetFetchRequest.OffsetFetchRequestGroup()
                (group.groupID, group.memberID, group.memberEpoch) = ("g", member, epoch)
                group.topics = nil
                request.groups = [group]
            }.required()
            #expect(response.groups.first?.errorCode == error)
        }
    }
}
