import Primitives
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

@Suite("Fetch and offsets") struct FetchHandlerTests {
    private func part(_ response: FetchResponse) throws -> FetchResponse.PartitionData {
        try #require(response.responses.first?.partitions.first)
    }

    @Test("Records come back byte for byte, at every version", arguments: FetchHandler.versions)
    func everyVersion(version: Int16) throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch(2)).required()
        let response = try broker.fetch(at: 0, version: version).required()
        let read = try part(response)
        #expect(read.errorCode == .noError)
        #expect(read.highWatermark == 2)
        let expected = PartitionsUnderTest.batch(2)
        expected.patch(Int32(3), at: 12)
        #expect(read.records == expected)
        if version >= 13 {
            #expect(response.responses[0].topicID == PartitionsUnderTest.topicID)
        } else {
            #expect(response.responses[0].topic == "t")
        }
    }

    @Test("A consumer waits for what is committed, until its time is over")
    func waits() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let first = try broker.fetch(at: 0)
        #expect(first.response == nil)
        _ = try broker.produce(PartitionsUnderTest.batch())
        #expect(try part(first.required()).records?.isEmpty == false)
        let second = try broker.fetch(at: 1, maxWaitMilliseconds: 300)
        broker.loop.pass(milliseconds: 302)
        let empty = try part(second.required())
        #expect(empty.errorCode == .noError && empty.records?.isEmpty == true)
    }

    @Test("A fetch that waits stands at its partition once, and no longer than until its answer")
    func standsOnce() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        func waiting() throws -> Int { try broker.partition.state.withLock { $0.parkedFetches.count } }
        let woken = try broker.fetch(at: 0, minBytes: 150)
        #expect(try waiting() == 1)
        _ = try broker.produce(PartitionsUnderTest.batch())
        // Too little yet: it looked, and waits again.
        #expect(try waiting() == 1 && woken.response == nil)
        _ = try broker.produce(PartitionsUnderTest.batch())
        #expect(try waiting() == 0 && woken.response != nil)
        let expired = try broker.fetch(at: 2, maxWaitMilliseconds: 300)
        #expect(try waiting() == 1)
        broker.loop.pass(milliseconds: 302)
        #expect(try waiting() == 0 && expired.response != nil)
        #expect(try broker.fetch(at: 2, maxWaitMilliseconds: 0).response != nil)
        #expect(try waiting() == 0)
    }

    @Test("A follower's fetch that waits is answered when another request comes behind it, a consumer's is not")
    func hastened() throws {
        let broker = try PartitionsUnderTest()
        let following = try broker.fetch(at: 0, follower: 2)
        #expect(following.response == nil)
        try hasten(broker)
        #expect(try part(following.required()).records?.isEmpty == true)
        let consuming = try broker.fetch(at: 0)
        try hasten(broker)
        #expect(consuming.response == nil)
        let answered = try broker.fetch(at: 0, follower: 2)
        _ = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        #expect(try part(answered.required()).records?.isEmpty == false)
        try hasten(broker)
    }

    private func hasten(_ broker: PartitionsUnderTest) throws {
        let connection = try #require(broker.connection)
        broker.loop.run { connection.hastenWaiting() }
    }

    @Test("minBytes is waited for")
    func minBytes() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let fetched = try broker.fetch(at: 0, minBytes: 150)
        _ = try broker.produce(PartitionsUnderTest.batch())
        #expect(fetched.response == nil)
        _ = try broker.produce(PartitionsUnderTest.batch())
        #expect(fetched.response != nil)
    }

    @Test("Rule 3 and 5: epochs, divergence and range have their answers, in this order")
    func refusals() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch(2))
        #expect(try part(broker.fetch(at: 0, epoch: 2).required()).errorCode == .fencedLeaderEpoch)
        #expect(try part(broker.fetch(at: 0, epoch: 4).required()).errorCode == .unknownLeaderEpoch)
        #expect(try part(broker.fetch(at: 9, epoch: 3).required()).errorCode == .offsetOutOfRange)
        let diverging = try part(broker.fetch(at: 9, epoch: 3, lastEpoch: 3).required())
        #expect(diverging.errorCode == .noError)
        #expect(diverging.divergingEpoch.epoch == 3)
        #expect(diverging.divergingEpoch.endOffset == Offset(2))
        #expect(diverging.records?.isEmpty != false)
    }

    @Test("Nobody acts as a broker on a listener for clients")
    func followerOnClientListener() throws {
        let broker = try PartitionsUnderTest()
        let answer = try broker.fetch(at: 0, follower: 2, epoch: 3, listener: "CLIENTS")
        #expect(try answer.required().errorCode == .clusterAuthorizationFailed)
    }

    @Test("A session's second answer leaves out what has not changed")
    func sessions() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch())
        let opened = try broker.fetch(at: 0, session: (0, 0)).required()
        #expect(opened.sessionID != 0)
        let next = try broker.fetch(at: 1, maxWaitMilliseconds: 0, session: (opened.sessionID, 1)).required()
        #expect(next.sessionID == opened.sessionID)
        #expect(next.responses.isEmpty)
        let unknown = try broker.fetch(at: 1, session: (opened.sessionID, 9)).required()
        #expect(unknown.errorCode == .invalidFetchSessionEpoch)
    }

    @Test("The watermark that came with a divergence, and was not taken, is told again though it is the same")
    func sessionWithDivergence() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch(2))
        let opened = try broker.fetch(at: 2, epoch: 3, maxWaitMilliseconds: 0, session: (0, 0)).required()
        let id = opened.sessionID
        let diverging = try part(broker.fetch(at: 9, epoch: 3, lastEpoch: 3, session: (id, 1)).required())
        #expect(diverging.divergingEpoch.endOffset == Offset(2))
        let next = try broker.fetch(at: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0, session: (id, 2)).required()
        #expect(try part(next).highWatermark == 2)
        let last = try broker.fetch(at: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0, session: (id, 3)).required()
        #expect(last.responses.isEmpty)
    }

    @Test("ListOffsets names start, end, and the first record at a time", arguments: ListOffsetsHandler.versions)
    func listOffsets(version: Int16) throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch(3))
        func listed(_ timestamp: Int64) throws -> ListOffsetsResponse.ListOffsetsPartitionResponse {
            let answer = try broker.call(broker.listOffsetsHandler, version: version) { request in
                request.replicaID = BrokerID(-1)
                var topic = ListOffsetsRequest.ListOffsetsTopic()
                topic.name = "t"
                var partition = ListOffsetsRequest.ListOffsetsPartition()
                partition.timestamp = timestamp
                topic.partitions = [partition]
                request.topics = [topic]
            }
            return try #require(answer.required().topics.first?.partitions.first)
        }
        #expect(try listed(-1).offset == Offset(3))
        #expect(try listed(-2).offset == Offset(0))
        #expect(try listed(0).offset == Offset(0))
        #expect(try listed(1).offset == Offset(-1))
        #expect(try listed(-3).errorCode == (version >= 7 ? .noError : .unsupportedVersion))
        #expect(try listed(-9).errorCode == .unsupportedVersion)
    }

    @Test("OffsetForLeaderEpoch tells the end of an epoch", arguments: OffsetForLeaderEpochHandler.versions)
    func epochEnds(version: Int16) throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        _ = try broker.produce(PartitionsUnderTest.batch(3))
        let answer = try broker.call(broker.epochHandler, version: version) { request in
            var topic = OffsetForLeaderEpochRequest.OffsetForLeaderTopic()
            topic.topic = "t"
            var partition = OffsetForLeaderEpochRequest.OffsetForLeaderPartition()
            partition.leaderEpoch = LeaderEpoch(3)
            topic.partitions = [partition]
            request.topics = [topic]
        }
        let end = try #require(answer.required().topics.first?.partitions.first)
        #expect(end.leaderEpoch == LeaderEpoch(3))
        #expect(end.endOffset == Offset(3))
    }
}
