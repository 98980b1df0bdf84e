import Primitives
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("Produce and replicate") struct ProduceAndReplicateTests {
    private func part(_ response: ProduceResponse) throws -> ProduceResponse.PartitionProduceResponse {
        try #require(response.responses.first?.partitionResponses.first)
    }

    private func part(_ response: FetchResponse) throws -> FetchResponse.PartitionData {
        try #require(response.responses.first?.partitions.first)
    }

    @Test("A single replica acknowledges after its own flush, at every version", arguments: ProduceHandler.versions)
    func alone(version: Int16) throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let answer = try broker.produce(PartitionsUnderTest.batch(2), version: version)
        let first = try part(answer.required())
        #expect(first.errorCode == .noError)
        #expect(first.baseOffset == Offset(0))
        let second = try part(broker.produce(PartitionsUnderTest.batch(), version: version).required())
        #expect(second.baseOffset == Offset(2))
    }

    @Test("acks=all waits for the in-sync follower; its next fetch is the acknowledgement")
    func waitsForFollower() throws {
        let broker = try PartitionsUnderTest()
        let produced = try broker.produce(PartitionsUnderTest.batch(3))
        #expect(produced.response == nil)
        let fetched = try part(broker.fetch(at: 0, follower: 2, epoch: 3).required())
        #expect(fetched.highWatermark == 0)
        #expect(fetched.records?.isEmpty == false)
        #expect(produced.response == nil)
        let parked = try broker.fetch(at: 3, follower: 2, epoch: 3, lastEpoch: 3)
        #expect(try part(produced.required()).errorCode == .noError)
        #expect(parked.response == nil)
        // A follower that waits is woken by the next append.
        _ = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        #expect(try part(parked.required()).records?.isEmpty == false)
    }

    @Test("acks=1 is answered before the flush counts, acks=0 not at all")
    func otherAcks() throws {
        let broker = try PartitionsUnderTest()
        #expect(try part(broker.produce(PartitionsUnderTest.batch(), acks: 1).required()).baseOffset == Offset(0))
        let unasked = try broker.produce(PartitionsUnderTest.batch(), acks: 0)
        #expect(unasked.response == nil && !unasked.isClosed)
        #expect(try broker.produce(Bytes([1, 2, 3]), acks: 0).isClosed)
    }

    @Test("A new leader epoch fails what waits with NOT_LEADER_OR_FOLLOWER and names the leader")
    func losesLeadership() throws {
        let broker = try PartitionsUnderTest()
        let produced = try broker.produce(PartitionsUnderTest.batch(), version: 10)
        let fetched = try broker.fetch(at: 0, epoch: 3, maxWaitMilliseconds: 5_000)
        let old = try broker.fetch(at: 0, version: 10, maxWaitMilliseconds: 5_000)
        try broker.moveLeadership(to: 2)
        let refused = try part(produced.required())
        #expect(refused.errorCode == .notLeaderOrFollower)
        #expect(refused.currentLeader.leaderID == BrokerID(2))
        #expect(refused.currentLeader.leaderEpoch == LeaderEpoch(4))
        #expect(try part(fetched.required()).errorCode == .fencedLeaderEpoch)
        #expect(try part(fetched.required()).currentLeader.leaderID == BrokerID(2))
        #expect(try part(old.required()).errorCode == .notLeaderOrFollower)
        #expect(broker.followers.leaders == [BrokerID(2)])
    }

    @Test("Rule 17: metadata of an earlier life makes nobody leader")
    func earlierLife() throws {
        let broker = try PartitionsUnderTest(replicas: [1], brokerEpoch: 100)
        #expect(try part(broker.produce(PartitionsUnderTest.batch()).required()).errorCode == .notLeaderOrFollower)
    }

    @Test("A start that reads that a replica was elsewhere, and came back, keeps its log")
    func readsOfFormerPlaces() throws {
        let former = try PartitionsUnderTest(replicas: [1])
        _ = try former.produce(PartitionsUnderTest.batch(3), acks: 1)
        let broker = try PartitionsUnderTest(replicas: [1], startingOn: former)
        try broker.place(on: [2])
        #expect(try broker.partition.position?.logEnd == Offset(3))
        try broker.place(on: [1])
        broker.table.metadataIsSettled()
        broker.loop.run()
        #expect(try broker.partition.position?.logEnd == Offset(3))

        let moved = try PartitionsUnderTest(replicas: [1], startingOn: former)
        try moved.place(on: [2])
        #expect(moved.table.partition("t", PartitionIndex(0)) != nil)
        moved.table.metadataIsSettled()
        moved.loop.run()
        #expect(moved.table.partition("t", PartitionIndex(0)) == nil, "it is elsewhere in the end")
        withExtendedLifetime(former) {}
    }

    @Test("Too few in sync: refused before the append for acks=all only")
    func tooFewInSync() throws {
        let broker = try PartitionsUnderTest(inSync: [1], configs: ["min.insync.replicas": "2"])
        #expect(try part(broker.produce(PartitionsUnderTest.batch()).required()).errorCode == .notEnoughReplicas)
        #expect(try part(broker.produce(PartitionsUnderTest.batch(), acks: 1).required()).baseOffset == Offset(0))
        let read = try part(broker.fetch(at: 0, maxWaitMilliseconds: 0).required())
        #expect(read.records?.isEmpty != false, "it becomes readable when enough are in sync")
    }

    @Test("What has been answered lets go of what its answer needed, and is not answered again")
    func letsGo() {
        final class Needed: Sendable {}
        var needed: Needed? = Needed()
        weak let kept = needed
        let request = ProduceInFlight([.init(topic: 0, partition: 0)]) { [needed] results in
            #expect(results.count == 1)
            withExtendedLifetime(needed) {}
        }
        needed = nil
        #expect(request.isWaiting && kept != nil)
        request.resolve(slot: 0, .noError)
        #expect(!request.isWaiting && kept == nil)
        request.timeOut()
        request.resolve(slot: 0, .notLeaderOrFollower)
    }

    @Test("An append that nobody follows times out")
    func timesOut() throws {
        let broker = try PartitionsUnderTest()
        let produced = try broker.produce(PartitionsUnderTest.batch(), timeoutMilliseconds: 200)
        broker.loop.pass(milliseconds: 199)
        #expect(produced.response == nil)
        broker.loop.pass(milliseconds: 200)
        #expect(try part(produced.required()).errorCode == .requestTimedOut)
    }

    @Test("A follower acknowledges what it has flushed, wherever it goes on to fetch")
    func followerFlushes() throws {
        let broker = try PartitionsUnderTest(replicas: [1, 2])
        let answer = try broker.produce(PartitionsUnderTest.batch(3))
        _ = try broker.fetch(
            at: 3, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0, logStart: 0, flushed: 0)
        #expect(answer.response == nil)
        _ = try broker.fetch(
            at: 3, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0, logStart: 0, flushed: 2)
        #expect(answer.response == nil)
        #expect(try broker.partition.position?.highWatermark == Offset(2))
        // Not more than it has, whatever it says.
        _ = try broker.fetch(
            at: 2, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0, logStart: 0, flushed: 9)
        #expect(answer.response == nil)
        _ = try broker.fetch(
            at: 3, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0, logStart: 0, flushed: 3)
        #expect(try answer.required().responses.first?.partitionResponses.first?.errorCode == .noError)
    }

    @Test("A failed flush takes the directory offline at once: nothing is acknowledged any more")
    func failedFlush() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        broker.files.failFlushes()
        #expect(try part(broker.produce(PartitionsUnderTest.batch()).required()).errorCode == .kafkaStorageError)
        #expect(broker.failureBox.all.count >= 1)
        #expect(
            try part(broker.produce(PartitionsUnderTest.batch(), acks: 1).required()).errorCode == .kafkaStorageError)
    }

    @Test("Rule 23: a repeated batch is acknowledged with its old offset, once that is committed")
    func duplicates() throws {
        let broker = try PartitionsUnderTest()
        let producer = BatchProducer(id: ProducerID(7), epoch: ProducerEpoch(0), baseSequence: 0)
        let first = try broker.produce(PartitionsUnderTest.batch(2, producer: producer))
        let again = try broker.produce(PartitionsUnderTest.batch(2, producer: producer))
        #expect(first.response == nil && again.response == nil)
        _ = try broker.fetch(at: 2, follower: 2, epoch: 3, lastEpoch: 3)
        #expect(try part(first.required()).baseOffset == Offset(0))
        #expect(try part(again.required()).baseOffset == Offset(0))
        #expect(try broker.partition.position?.logEnd == Offset(2))
    }

    @Test("A malformed batch is refused by name, and nothing is appended")
    func malformed() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let wrong = PartitionsUnderTest.batch()
        wrong.patch(UInt32(0), at: RecordBatchHeader.Position.checksum)
        #expect(try part(broker.produce(wrong).required()).errorCode == .corruptMessage)
        #expect(try part(broker.produce(nil).required()).errorCode == .invalidRecord)
        #expect(try broker.partition.position?.logEnd == Offset(0))
    }
}
