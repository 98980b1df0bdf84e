import Primitives
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("DeleteRecords") struct DeleteRecordsTests {
    private func delete(
        _ broker: PartitionsUnderTest, before offset: Int64, version: Int16 = 2, topic: String = "t",
        partition: Int32 = 0, timeoutMilliseconds: Int32 = 1_000, twice: Bool = false
    ) throws -> WholeAnswer<DeleteRecordsResponse> {
        try broker.call(DeleteRecordsHandler(table: broker.table, world: broker.world), version: version) { request in
            request.timeoutMilliseconds = timeoutMilliseconds
            var asked = DeleteRecordsRequest.DeleteRecordsTopic()
            asked.name = topic
            var part = DeleteRecordsRequest.DeleteRecordsPartition()
            part.partitionIndex = PartitionIndex(partition)
            part.offset = Offset(offset)
            asked.partitions = twice ? [part, part] : [part]
            request.topics = [asked]
        }
    }

    private func part(
        _ answer: WholeAnswer<DeleteRecordsResponse>
    ) throws -> DeleteRecordsResponse.DeleteRecordsPartitionResult {
        try #require(answer.required().topics.first?.partitions.first)
    }

    private func fetched(_ answer: WholeAnswer<FetchResponse>) throws -> FetchResponse.PartitionData {
        try #require(answer.required().responses.first?.partitions.first)
    }

    /// Broker 1 with ten records, all committed.
    private func filled(_ replicas: [Int32], configs: [String: String] = [:]) throws -> PartitionsUnderTest {
        let broker = try PartitionsUnderTest(replicas: replicas, configs: configs)
        _ = try broker.produce(PartitionsUnderTest.batch(10), acks: 1)
        for follower in replicas where follower != 1 {
            _ = try broker.fetch(
                at: 10, follower: follower, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0, logStart: 0)
        }
        return broker
    }

    @Test("A replica that is alone answers at once; below the new start nothing can be read", arguments: 0...2)
    func alone(version: Int) throws {
        let broker = try filled([1])
        let answer = try part(delete(broker, before: 4, version: Int16(version)))
        #expect(answer.errorCode == .noError)
        #expect(answer.lowWatermark == 4)
        #expect(try fetched(broker.fetch(at: 3, maxWaitMilliseconds: 0)).errorCode == .offsetOutOfRange)
        let read = try fetched(broker.fetch(at: 4, maxWaitMilliseconds: 0))
        #expect(read.errorCode == .noError)
        #expect(read.logStartOffset == Offset(4))
        // Deleting less than is deleted changes nothing.
        #expect(try part(delete(broker, before: 2)).lowWatermark == 4)
        #expect(try part(delete(broker, before: -1)).lowWatermark == 10)
    }

    @Test("It waits for every live replica; a follower that waits for records hears of it at once")
    func waits() throws {
        let broker = try filled([1, 2])
        let parked = try broker.fetch(at: 10, follower: 2, epoch: 3, lastEpoch: 3, logStart: 0)
        #expect(parked.response == nil)
        let deletion = try delete(broker, before: 6)
        #expect(deletion.response == nil)
        #expect(try fetched(parked).logStartOffset == Offset(6))
        _ = try broker.fetch(at: 10, follower: 2, epoch: 3, lastEpoch: 3, logStart: 6)
        let answer = try part(deletion)
        #expect(answer.errorCode == .noError)
        #expect(answer.lowWatermark == 6)
    }

    @Test("A replica that is late makes it REQUEST_TIMED_OUT with the low watermark so far")
    func timesOut() throws {
        let broker = try filled([1, 2])
        let deletion = try delete(broker, before: 6, timeoutMilliseconds: 200)
        broker.loop.pass(milliseconds: 201)
        let answer = try part(deletion)
        #expect(answer.errorCode == .requestTimedOut)
        #expect(answer.lowWatermark == 0)
        #expect(try broker.partition.position?.logStart == Offset(6))
    }

    @Test("A fenced replica is not waited for")
    func fenced() throws {
        let broker = try filled([1, 2])
        let deletion = try delete(broker, before: 6)
        try broker.fence(2)
        #expect(try part(deletion).lowWatermark == 6)
    }

    @Test("Lost leadership ends the wait")
    func losesLeadership() throws {
        let broker = try filled([1, 2])
        let deletion = try delete(broker, before: 6)
        try broker.moveLeadership(to: 2)
        #expect(try part(deletion).errorCode == .notLeaderOrFollower)
        #expect(try part(delete(broker, before: 7)).errorCode == .notLeaderOrFollower)
    }

    @Test("What can't be deleted is refused by name")
    func refusals() throws {
        let broker = try filled([1])
        #expect(try part(delete(broker, before: 11)).errorCode == .offsetOutOfRange)
        #expect(try part(delete(broker, before: -2)).errorCode == .offsetOutOfRange)
        #expect(try part(delete(broker, before: 1, topic: "none")).errorCode == .unknownTopicOrPartition)
        #expect(try part(delete(broker, before: 1, partition: 9)).errorCode == .unknownTopicOrPartition)
        #expect(try part(delete(broker, before: 1, topic: "__consumer_offsets")).errorCode == .invalidTopicException)
        let twice = try delete(broker, before: 1, twice: true).required().topics[0].partitions
        #expect(twice.map(\.errorCode) == [.noError, .invalidRequest])
        let compacted = try filled([1], configs: ["cleanup.policy": "compact,delete"])
        #expect(try compacted.partition.position?.logEnd == Offset(0), "records without keys are refused there")
        #expect(try part(delete(compacted, before: 0)).errorCode == .noError)
        try compacted.configure("cleanup.policy", "compact")
        #expect(try part(delete(compacted, before: 0)).errorCode == .policyViolation)
    }
}
