import Primitives
import Replication
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("Reading from the replica in one's rack") struct NearbyReplicaTests {
    private static let selector =
        "replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector"

    private func part(_ answer: WholeAnswer<FetchResponse>) throws -> FetchResponse.PartitionData {
        try #require(answer.required().responses.first?.partitions.first)
    }

    /// Broker 1 leads in rack a; 2 and 3 are in rack b. Five records, of which follower 2 has all.
    private func leader(node: String = NearbyReplicaTests.selector, inSync: [Int32]? = nil) throws
        -> PartitionsUnderTest
    {
        let broker = try PartitionsUnderTest(
            replicas: [1, 2, 3], inSync: inSync, racks: [1: "a", 2: "b", 3: "b"], node: node)
        _ = try broker.produce(PartitionsUnderTest.batch(5), acks: 1)
        for follower in [Int32(2), 3] {
            let end: Int64 = follower == 2 ? 5 : 0
            _ = try broker.fetch(
                at: end, follower: follower, epoch: 3, lastEpoch: end == 0 ? -1 : 3, maxWaitMilliseconds: 0,
                logStart: 0)
        }
        return broker
    }

    @Test(
        "The leader sends a consumer of another rack to the replica there that is furthest, at once and without records",
        arguments: 11...18)
    func sendsAway(version: Int) throws {
        let broker = try leader()
        let answer = try part(broker.fetch(at: 0, version: Int16(version), maxWaitMilliseconds: 5_000, rack: "b"))
        #expect(answer.errorCode == .noError)
        #expect(answer.preferredReadReplica == BrokerID(2))
        #expect(answer.records?.isEmpty != false)
        // In its own rack, in a rack without a replica, or without one: the leader answers itself.
        for rack in ["a", "c", ""] {
            let own = try part(broker.fetch(at: 0, version: Int16(version), maxWaitMilliseconds: 0, rack: rack))
            #expect(own.preferredReadReplica == BrokerID(-1))
        }
    }

    @Test("Without replica.selector.class the leader answers itself")
    func leaderOnly() throws {
        let broker = try leader(node: "")
        #expect(try part(broker.fetch(at: 0, maxWaitMilliseconds: 0, rack: "b")).preferredReadReplica == BrokerID(-1))
    }

    @Test("Rule 22: never sent to a replica that is fenced, not in sync, or behind the position")
    func notThere() throws {
        let fenced = try leader()
        try fenced.fence(2)
        let other = try part(fenced.fetch(at: 0, maxWaitMilliseconds: 0, rack: "b"))
        #expect(other.preferredReadReplica == BrokerID(3), "the other one has the position, if no more")
        try fenced.fence(3)
        #expect(try part(fenced.fetch(at: 0, maxWaitMilliseconds: 0, rack: "b")).preferredReadReplica == BrokerID(-1))

        let notInSync = try leader(inSync: [1, 3])
        #expect(
            try part(notInSync.fetch(at: 0, maxWaitMilliseconds: 0, rack: "b")).preferredReadReplica == BrokerID(3))
        #expect(
            try part(notInSync.fetch(at: 1, maxWaitMilliseconds: 0, rack: "b")).preferredReadReplica == BrokerID(-1))
    }

    /// Broker 1 follows broker 2 with five records, three of them known to be committed.
    private func follower() throws -> PartitionsUnderTest {
        let broker = try PartitionsUnderTest(replicas: [1, 2])
        _ = try broker.produce(PartitionsUnderTest.batch(3), acks: 1)
        _ = try broker.fetch(at: 3, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0)
        _ = try broker.produce(PartitionsUnderTest.batch(2), acks: 1)
        try broker.moveLeadership(to: 2)
        return broker
    }

    @Test("Rule 22: a follower serves consumers up to its own high watermark, whatever version can know of it")
    func serves() throws {
        let broker = try follower()
        let read = try part(broker.fetch(at: 0, maxWaitMilliseconds: 0))
        #expect(read.errorCode == .noError)
        #expect(read.highWatermark == 3)
        #expect(try RecordBatch(#require(read.records)).header.recordCount == 3)
        #expect(read.records?.count == PartitionsUnderTest.batch(3).count)
        #expect(try part(broker.fetch(at: 0, version: 10, maxWaitMilliseconds: 0)).errorCode == .notLeaderOrFollower)
        #expect(
            try part(broker.fetch(at: 0, follower: 2, epoch: 4, maxWaitMilliseconds: 0)).errorCode
                == .notLeaderOrFollower)
    }

    @Test(
        "Rule 22: between its watermark and its end a consumer waits, above it OFFSET_NOT_AVAILABLE, below OUT_OF_RANGE"
    )
    func bounds() throws {
        let broker = try follower()
        let waiting = try broker.fetch(at: 4, maxWaitMilliseconds: 200)
        #expect(waiting.response == nil)
        broker.loop.pass(milliseconds: 201)
        #expect(try part(waiting).errorCode == .noError)
        #expect(try part(broker.fetch(at: 6, maxWaitMilliseconds: 0)).errorCode == .offsetNotAvailable)
        #expect(try part(broker.fetch(at: -1, maxWaitMilliseconds: 0)).errorCode == .offsetOutOfRange)
    }

    @Test("Rule 4: a consumer with an older or newer epoch is told so by a follower too")
    func epochs() throws {
        let broker = try follower()
        #expect(try part(broker.fetch(at: 0, epoch: 3, maxWaitMilliseconds: 0)).errorCode == .fencedLeaderEpoch)
        #expect(try part(broker.fetch(at: 0, epoch: 5, maxWaitMilliseconds: 0)).errorCode == .unknownLeaderEpoch)
        #expect(try part(broker.fetch(at: 0, epoch: 4, maxWaitMilliseconds: 0)).errorCode == .noError)
    }

    @Test("A consumer that waits at a follower is answered when the watermark moves there")
    func watermarkMoves() throws {
        let broker = try follower()
        let waiting = try broker.fetch(at: 3, maxWaitMilliseconds: 5_000)
        #expect(waiting.response == nil)
        let partition = try broker.partition
        let asked = try #require(partition.followerAsk).position
        let reply = FollowerReplica.Reply(
            error: .noError, highWatermark: Offset(5), logStart: Offset(0), divergence: nil, hasRecords: false)
        broker.loop.run { _ = partition.received(reply, records: nil, asked: asked) }
        let read = try part(waiting)
        #expect(read.highWatermark == 5)
        #expect(read.records?.isEmpty == false)
    }

    @Test("A follower that names its watermark hears of a newer one at once (KIP-1166); one that does not waits")
    func followerHearsAtOnce() throws {
        let broker = try PartitionsUnderTest(replicas: [1, 2, 3])
        _ = try broker.produce(PartitionsUnderTest.batch(5), acks: 1)
        let keen = try broker.fetch(
            at: 5, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 5_000, logStart: 0, highWatermark: 0)
        #expect(keen.response == nil)
        let calm = try broker.fetch(at: 5, follower: 3, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 5_000, logStart: 0)
        #expect(try part(keen).highWatermark == 5)
        #expect(calm.response == nil)
        let again = try broker.fetch(
            at: 5, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 5_000, logStart: 0, highWatermark: 5)
        #expect(again.response == nil)
    }

    @Test("Another selector than the two that are built in is refused by name")
    func selectors() throws {
        #expect(ReplicaSelection(className: "org.apache.kafka.common.replica.LeaderSelector") == .leader)
        #expect(ReplicaSelection(className: "com.example.Mine") == nil)
    }
}
