import Metadata
import Primitives
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("Errors that tell who leads (KIP-951), and topics by their ids") struct LeaderHintTests {
    private static let otherID = UUID128(high: 6, low: 6)

    /// Broker 1 beside a topic whose one partition is on broker 2 only.
    private func broker() throws -> PartitionsUnderTest {
        let broker = try PartitionsUnderTest(replicas: [1, 2], racks: [2: "b"])
        var topic = TopicRecord()
        topic.name = "elsewhere"
        topic.topicID = LeaderHintTests.otherID
        let registration = PartitionRegistration(
            replicas: [BrokerID(2)], isr: [BrokerID(2)], leader: BrokerID(2), leaderEpoch: LeaderEpoch(7))
        try broker.publish([
            .topic(topic), .partition(registration.record(topic: LeaderHintTests.otherID, index: PartitionIndex(0))),
        ])
        return broker
    }

    private func produce(
        _ broker: PartitionsUnderTest, version: Int16, name: String, id: TopicID, partition: Int32 = 0
    ) throws -> ProduceResponse {
        try broker.call(broker.produceHandler, version: version) { request in
            request.acks = -1
            var topic = ProduceRequest.TopicProduceData()
            if version >= 13 { topic.topicID = id } else { topic.name = name }
            var data = ProduceRequest.PartitionProduceData()
            data.index = partition
            data.records = PartitionsUnderTest.batch()
            topic.partitionData = [data]
            request.topicData = [topic]
        }.required()
    }

    private func fetch(
        _ broker: PartitionsUnderTest, version: Int16, name: String, id: TopicID, partition: Int32 = 0
    ) throws -> FetchResponse {
        try broker.call(broker.fetchHandler, version: version) { request in
            var topic = FetchRequest.FetchTopic()
            if version >= 13 { topic.topicID = id } else { topic.topic = name }
            var part = FetchRequest.FetchPartition()
            part.partition = PartitionIndex(partition)
            part.partitionMaxBytes = 1_000
            topic.partitions = [part]
            request.topics = [topic]
            if version >= 7 { request.sessionEpoch = -1 }
        }.required()
    }

    @Test(
        "A partition that is led elsewhere: Produce from version 10 on names its leader and where that is",
        arguments: ProduceHandler.versions)
    func produceElsewhere(version: Int16) throws {
        let answer = try produce(broker(), version: version, name: "elsewhere", id: LeaderHintTests.otherID)
        let part = try #require(answer.responses.first?.partitionResponses.first)
        #expect(part.errorCode == .notLeaderOrFollower)
        #expect(part.currentLeader.leaderID == BrokerID(version >= 10 ? 2 : -1))
        #expect(part.currentLeader.leaderEpoch == LeaderEpoch(version >= 10 ? 7 : -1))
        #expect(answer.nodeEndpoints.map(\.nodeID) == (version >= 10 ? [BrokerID(2)] : []))
        #expect(answer.nodeEndpoints.allSatisfy { $0.host == "host2" && $0.port == 9_092 })
    }

    @Test("The same for Fetch: the leader from version 12 on, its address from 16 on", arguments: FetchHandler.versions)
    func fetchElsewhere(version: Int16) throws {
        let answer = try fetch(broker(), version: version, name: "elsewhere", id: LeaderHintTests.otherID)
        let part = try #require(answer.responses.first?.partitions.first)
        #expect(part.errorCode == .notLeaderOrFollower)
        #expect(part.currentLeader.leaderID == BrokerID(version >= 12 ? 2 : -1))
        #expect(part.currentLeader.leaderEpoch == LeaderEpoch(version >= 12 ? 7 : -1))
        #expect(answer.nodeEndpoints.map(\.host) == (version >= 16 ? ["host2"] : []))
        #expect(answer.nodeEndpoints.map(\.rack) == (version >= 16 ? ["b"] : []))
    }

    @Test("An unknown id is UNKNOWN_TOPIC_ID, an unknown partition of a known topic UNKNOWN_TOPIC_OR_PARTITION")
    func unknown() throws {
        let broker = try broker()
        let nobody = UUID128(high: 9, low: 9)
        for (version, id, partition, expected) in [
            (Int16(13), nobody, Int32(0), ErrorCode.unknownTopicID),
            (13, LeaderHintTests.otherID, 4, .unknownTopicOrPartition), (12, nobody, 0, .unknownTopicOrPartition),
        ] {
            let produced = try produce(broker, version: version, name: "none", id: id, partition: partition)
            #expect(produced.responses.first?.partitionResponses.first?.errorCode == expected)
            let fetched = try fetch(broker, version: version, name: "none", id: id, partition: partition)
            #expect(fetched.responses.first?.partitions.first?.errorCode == expected)
        }
    }

    @Test("A topic that was made again under its name is another topic: its old id is unknown")
    func madeAgain() throws {
        let broker = try broker()
        var removal = RemoveTopicRecord()
        removal.topicID = LeaderHintTests.otherID
        let again = UUID128(high: 7, low: 7)
        var topic = TopicRecord()
        topic.name = "elsewhere"
        topic.topicID = again
        let registration = PartitionRegistration(replicas: [BrokerID(1)], isr: [BrokerID(1)], leader: BrokerID(1))
        try broker.publish([
            .removeTopic(removal), .topic(topic),
            .partition(registration.record(topic: again, index: PartitionIndex(0))),
        ])
        let old = try produce(broker, version: 13, name: "", id: LeaderHintTests.otherID)
        #expect(old.responses.first?.partitionResponses.first?.errorCode == .unknownTopicID)
        let new = try produce(broker, version: 13, name: "", id: again)
        #expect(new.responses.first?.partitionResponses.first?.errorCode == .noError)
    }
}
