import Primitives
import Testing
import WireMessages

@testable import BrokerServer

@Suite("A leader that hears nobody")
struct SelfFencedPartitionTests {
    private func error(_ answer: WholeAnswer<ProduceResponse>) throws -> ErrorCode {
        try #require(try answer.required().responses.first?.partitionResponses.first).errorCode
    }

    private func cutOff(_ broker: PartitionsUnderTest) {
        broker.table.services.contact.heard(at: broker.loop.now)
        broker.loop.pass(milliseconds: 1_600)
    }

    @Test("It refuses records, serves what is committed and no more, and takes records again once it hears somebody")
    func refuses() throws {
        let broker = try PartitionsUnderTest(configs: ["min.insync.replicas": "2"])
        let first = try broker.produce(PartitionsUnderTest.batch())
        _ = try broker.fetch(at: 0, follower: 2, epoch: 3)
        _ = try broker.fetch(at: 1, follower: 2, epoch: 3, lastEpoch: 3)
        #expect(try error(first) == .noError)
        cutOff(broker)
        #expect(try broker.partition.isCutOff)
        #expect(try error(broker.produce(PartitionsUnderTest.batch())) == .notLeaderOrFollower)
        #expect(try error(broker.produce(PartitionsUnderTest.batch(), acks: 1)) == .notLeaderOrFollower)
        let read = try #require(try broker.fetch(at: 0).required().responses.first?.partitions.first)
        #expect(read.errorCode == .noError && read.records?.isEmpty == false)
        let end = try #require(try broker.fetch(at: 1).required().responses.first?.partitions.first)
        #expect(end.errorCode == .notLeaderOrFollower)
        // Written by the next leader, and read there.
        let behind = try #require(try broker.fetch(at: 7).required().responses.first?.partitions.first)
        #expect(behind.errorCode == .notLeaderOrFollower)
        broker.table.services.contact.heard(at: broker.loop.now)
        #expect(try error(broker.produce(PartitionsUnderTest.batch(), acks: 1)) == .noError)
    }

    @Test("A follower's fetch is as good as a controller's word")
    func hearsFollower() throws {
        let broker = try PartitionsUnderTest(configs: ["min.insync.replicas": "2"])
        cutOff(broker)
        _ = try broker.fetch(at: 0, follower: 2, epoch: 3)
        #expect(try !broker.partition.isCutOff)
        #expect(try error(broker.produce(PartitionsUnderTest.batch(), acks: 1)) == .noError)
    }

    @Test("Who waits for replicas is told to look for another leader")
    func failsWaiting() throws {
        let broker = try PartitionsUnderTest(configs: ["min.insync.replicas": "2"])
        let waiting = try broker.produce(PartitionsUnderTest.batch(), timeoutMilliseconds: 30_000)
        cutOff(broker)
        #expect(waiting.response == nil)
        try broker.partition.failWaitingIfCutOff()
        broker.loop.run()
        #expect(try error(waiting) == .notLeaderOrFollower)
    }

    @Test("A consumer that waits for records is told to look for another leader", arguments: [false, true])
    func failsReaders(withSession: Bool) throws {
        let broker = try PartitionsUnderTest(configs: ["min.insync.replicas": "2"])
        var session: (Int32, Int32) = (0, -1)
        if withSession {
            let opened = try broker.fetch(at: 0, maxWaitMilliseconds: 0, session: (0, 0)).required()
            session = (opened.sessionID, 1)
        }
        let waiting = try broker.fetch(at: 0, maxWaitMilliseconds: 30_000, session: session)
        cutOff(broker)
        #expect(waiting.response == nil)
        try broker.partition.failWaitingIfCutOff()
        broker.loop.run()
        let read = try #require(try waiting.required().responses.first?.partitions.first)
        #expect(read.errorCode == .notLeaderOrFollower)
    }

    @Test("A partition with one replica takes records though nobody is heard")
    func alone() throws {
        let broker = try PartitionsUnderTest(replicas: [1], configs: ["min.insync.replicas": "2"])
        cutOff(broker)
        #expect(try error(broker.produce(PartitionsUnderTest.batch())) == .noError)
    }

    @Test("R5: the time of flushes is that of the slowest of late, one that still runs included")
    func flushWatch() {
        func at(_ milliseconds: Int64) -> MonotonicInstant { MonotonicInstant(milliseconds * 1_000_000) }
        let watch = FlushWatch()
        #expect(watch.slowMilliseconds(now: at(0)) == nil)
        let quick = watch.began(at: at(0))
        watch.ended(quick, at: at(5))
        #expect(watch.slowMilliseconds(now: at(10)) == 5)
        let stuck = watch.began(at: at(10))
        #expect(watch.slowMilliseconds(now: at(2_010)) == 2_000)
        watch.ended(stuck, at: at(4_010))
        #expect(watch.slowMilliseconds(now: at(4_020)) == 4_000)
        #expect(watch.slowMilliseconds(now: at(7_020)) == nil)
    }

    @Test("R4: a leader is unreached since its answer was due, or since the first failure, until it answers")
    func leaderReach() {
        func at(_ milliseconds: Int64) -> MonotonicInstant { MonotonicInstant(milliseconds * 1_000_000) }
        let reach = LeaderReach()
        #expect(reach.view(now: at(0)) == .idle)
        reach.asked(dueAt: at(500))
        #expect(reach.view(now: at(400)) == .reached)
        #expect(reach.view(now: at(900)) == .unreachedSince(at(500)))
        reach.failed(at: at(2_000))
        reach.asked(dueAt: at(2_600))
        reach.failed(at: at(2_100))
        #expect(reach.view(now: at(2_200)) == .unreachedSince(at(500)))
        reach.answered()
        #expect(reach.view(now: at(2_300)) == .idle)
        reach.failed(at: at(3_000))
        #expect(reach.view(now: at(3_100)) == .unreachedSince(at(3_000)))
    }
}
