import BrokerServer
import Primitives
import Testing
import WireMessages
import WireProtocol

/// Case A8: the same thing twice in one request, and a million things that are not there. Case A19: fetch sessions.
@Suite("Repetition and multitude have answers of bounded size", .serialized)
struct RepetitionTests {
    @Test("A8: a topic or partition named twice is refused, once or twice, and written at most once")
    func twice() throws {
        let node = try WholeNode()
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("twice") == .noError)
        #expect(try client.produce(Batches.plain(), to: "twice")?.errorCode == .noError)
        var created = CreateTopicsRequest.CreatableTopic()
        created.name = "pair"
        created.numPartitions = 1
        created.replicationFactor = 1
        var create = CreateTopicsRequest()
        create.topics = [created, created]
        let told = try client.ask(create, version: 7)?.topics ?? []
        #expect(!told.isEmpty && told.allSatisfy { $0.errorCode == .invalidRequest })
        var deleted = DeleteTopicsRequest.DeleteTopicState()
        deleted.name = "twice"
        var delete = DeleteTopicsRequest()
        delete.topics = [deleted, deleted]
        #expect(try client.ask(delete, version: 6)?.responses.contains { $0.errorCode == .invalidRequest } == true)
        var listed = ListOffsetsRequest.ListOffsetsTopic()
        listed.name = "twice"
        listed.partitions = [ListOffsetsRequest.ListOffsetsPartition(), ListOffsetsRequest.ListOffsetsPartition()]
        var list = ListOffsetsRequest()
        list.topics = [listed]
        let parts = try client.ask(list, version: 7)?.topics.first?.partitions ?? []
        #expect(parts.map(\.errorCode).contains(.invalidRequest))
        #expect(try produceTwice(client) <= 2)
        #expect(client.isServed(9))
        try node.stop()
    }

    /// How many batches the log has more after a request with one partition twice.
    private func produceTwice(_ client: RawClient) throws -> Int {
        let before = try client.fetchAll("twice").count
        var partition = ProduceRequest.PartitionProduceData()
        partition.records = Batches.plain()
        var data = ProduceRequest.TopicProduceData()
        data.name = "twice"
        data.partitionData = [partition, partition]
        var request = ProduceRequest()
        request.acks = -1
        request.timeoutMilliseconds = 10_000
        request.topicData = [data]
        let answer = try client.ask(request, version: 9)
        #expect(answer?.responses.first?.partitionResponses.count == 2)
        return (try client.fetchAll("twice").count - before) / Batches.plain().count
    }

    @Test("A8: a million unknown topics are answered one by one, in bounded memory, and none of them is made")
    func million() throws {
        let node = try WholeNode()
        let good = try GoodTraffic(port: node.port)
        let client = RawClient(port: node.port)
        client.setPatience(milliseconds: 120_000)
        var metadata = MetadataRequest()
        metadata.allowAutoTopicCreation = false
        metadata.topics = (0..<1_000_000).map { index in
            var topic = MetadataRequest.MetadataRequestTopic()
            topic.name = String(index, radix: 36)
            return topic
        }
        let sent = RawClient.request(metadata, version: 9, 1)
        client.send(sent)
        let answer = try #require(client.answer())
        // Kafka's answer has as many bytes: a name, an error and an empty list for each.
        #expect(answer.count < 6 * sent.count, "\(sent.count) bytes got \(answer.count)")
        var delete = DeleteTopicsRequest()
        delete.topicNames = (0..<100_000).map { String($0, radix: 36) }
        let deleted = try client.ask(delete, version: 5)?.responses ?? []
        #expect(deleted.count == 100_000 && deleted.allSatisfy { $0.errorCode == .unknownTopicOrPartition })
        var all = MetadataRequest()
        all.topics = nil
        #expect(try client.ask(all, version: 9)?.topics.count == 1)
        good.expectUnharmed()
        #expect(node.limits.memory.bytes == 0)
        try node.stop()
    }

    @Test("A8: a request that names thousands of unknown topics makes no more than a bounded number of them")
    func creationFlood() throws {
        let node = try WholeNode()
        let client = RawClient(port: node.port)
        var metadata = MetadataRequest()
        metadata.allowAutoTopicCreation = true
        metadata.topics = (0..<20_000).map { index in
            var topic = MetadataRequest.MetadataRequestTopic()
            topic.name = "flood-\(index)"
            return topic
        }
        let topics = try client.ask(metadata, version: 12)?.topics ?? []
        #expect(topics.count == 20_000)
        #expect(topics.allSatisfy { [.unknownTopicOrPartition, .leaderNotAvailable].contains($0.errorCode) })
        var all = MetadataRequest()
        all.topics = nil
        #expect(try client.ask(all, version: 12)?.topics.count ?? .max <= 1_000)
        try node.stop()
    }

    @Test("A19: sessions beyond the limit are not kept; unknown ones and stale epochs are named as such")
    func sessions() throws {
        let node = try WholeNode(settings: ["max.incremental.fetch.session.cache.slots=10"])
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("sessions") == .noError)
        #expect(try client.produce(Batches.plain(), to: "sessions")?.errorCode == .noError)
        func fetch(_ id: Int32, _ epoch: Int32) throws -> FetchResponse? {
            var partition = FetchRequest.FetchPartition()
            partition.partitionMaxBytes = 1 << 20
            var topic = FetchRequest.FetchTopic()
            topic.topic = "sessions"
            topic.partitions = [partition]
            var request = FetchRequest()
            request.maxBytes = 1 << 20
            request.sessionID = id
            request.sessionEpoch = epoch
            request.topics = [topic]
            return try client.ask(request, version: 12)
        }
        let first = try #require(try fetch(0, 0))
        #expect(first.sessionID != 0)
        #expect(try fetch(first.sessionID, 7)?.errorCode == .invalidFetchSessionEpoch)
        #expect(try fetch(first.sessionID &+ 1, 1)?.errorCode == .fetchSessionIDNotFound)
        #expect(try fetch(-5, 3)?.errorCode == .fetchSessionIDNotFound)
        var kept: Set<Int32> = []
        for _ in 0..<300 { kept.insert(try fetch(0, 0)?.sessionID ?? 0) }
        // Fresh sessions do not drive out those that are in use: beyond the limit a fetch is answered without one.
        #expect(kept.subtracting([0]).count <= 10)
        try node.stop()
    }
}
