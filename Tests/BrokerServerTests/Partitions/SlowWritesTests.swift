import LogStorage
import Metadata
import Primitives
import Replication
import Synchronization
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

/// Broker 1 with two log directories, `t-0` in the first and `t-1` in the second.
@Suite("A log directory that is slow to write")
struct SlowWritesTests {
    private static let writeMilliseconds: Int64 = 200

    /// A broker that has found out that its first directory is slow: one record of `t-0` waited for it.
    private func slowBroker(
        replicas: [Int32] = [1], configs: [String: String] = [:]
    ) throws -> PartitionsUnderTest {
        let broker = try PartitionsUnderTest(replicas: replicas, configs: configs, logDirectories: 2, partitions: 2)
        try #require(try broker.partition.logDirectory == broker.directory)
        try #require(try healthy(broker).logDirectory != broker.directory)
        broker.files.slowWrites(below: broker.directory + "/") { [loop = broker.loop] in
            loop.stall(milliseconds: SlowWritesTests.writeMilliseconds)
        }
        let first = try part(broker.produce(PartitionsUnderTest.batch(), acks: 1))
        #expect(first.errorCode == .noError && first.baseOffset == Offset(0))
        #expect(disk(broker).isSlow && disk(broker).handsOver && disk(broker).slowWrites.load(ordering: .relaxed) == 1)
        return broker
    }

    private func disk(_ broker: PartitionsUnderTest) -> DataDisk { broker.table.services.disks[broker.directory] }

    private func healthy(_ broker: PartitionsUnderTest) throws -> Partition {
        try #require(broker.table.partition("t", PartitionIndex(1)))
    }

    private func part(_ answer: WholeAnswer<ProduceResponse>) throws -> ProduceResponse.PartitionProduceResponse {
        try #require(try answer.required().responses.first?.partitionResponses.first)
    }

    private func recordBytes(_ answer: WholeAnswer<FetchResponse>) throws -> Int {
        try #require(try answer.required().responses.first?.partitions.first).records?.count ?? 0
    }

    private func end(_ broker: PartitionsUnderTest) throws -> Offset { try #require(broker.partition.position).logEnd }

    @Test("The loop does not wait for it any more; the other directory and readers do not notice")
    func handedOver() throws {
        let broker = try slowBroker()
        broker.pool.hold()
        let before = broker.loop.now
        let waiting = try broker.produce(PartitionsUnderTest.batch(2), acks: 1)
        let next = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        #expect(waiting.response == nil)
        #expect(try part(broker.produce(PartitionsUnderTest.batch(), acks: 1, partition: 1)).errorCode == .noError)
        let one = PartitionsUnderTest.batch().count
        #expect(try recordBytes(broker.fetch(at: 0, maxWaitMilliseconds: 0)) == one)
        #expect(try end(broker) == Offset(1), "what is not written is not there")
        #expect(broker.loop.now == before)
        broker.pool.release()
        #expect(try part(waiting).baseOffset == Offset(1))
        #expect(try part(next).baseOffset == Offset(3))
        #expect(try end(broker) == Offset(4))
        #expect(broker.loop.now.milliseconds(since: before) == SlowWritesTests.writeMilliseconds, "one write for both")
    }

    @Test("acks=all waits for the write and its flush")
    func acksAll() throws {
        let broker = try slowBroker()
        broker.pool.hold()
        let waiting = try broker.produce(PartitionsUnderTest.batch())
        #expect(waiting.response == nil)
        broker.pool.release()
        #expect(try part(waiting).baseOffset == Offset(1))
        let position = try #require(broker.partition.position)
        #expect(position.flushedEnd == Offset(2) && position.highWatermark == Offset(2))
    }

    @Test("A directory that is fast again is written on the loop")
    func fastAgain() throws {
        let broker = try slowBroker()
        broker.files.slowWrites(below: nil)
        for _ in 0..<20 {
            #expect(try part(broker.produce(PartitionsUnderTest.batch())).errorCode == .noError)
            broker.loop.pass(milliseconds: 100)
        }
        #expect(!disk(broker).isSlow && !disk(broker).handsOver)
        broker.pool.hold()
        #expect(try part(broker.produce(PartitionsUnderTest.batch(), acks: 1)).baseOffset == Offset(21))
    }

    @Test("A new leader epoch waits for the write of the old one, and then holds")
    func roleWaits() throws {
        let broker = try slowBroker(replicas: [1, 2])
        broker.pool.hold()
        let waiting = try broker.produce(PartitionsUnderTest.batch())
        let unheld = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        try broker.moveLeadership(to: 2)
        #expect(try broker.partition.state.withLock { $0.leader?.leaderEpoch } == LeaderEpoch(3))
        #expect(broker.followers.leaders.isEmpty)
        broker.pool.release()
        #expect(try part(waiting).errorCode == .notLeaderOrFollower)
        #expect(try part(unheld).errorCode == .noError)
        #expect(try broker.partition.state.withLock { $0.log?.latestEpoch } == LeaderEpoch(3))
        #expect(try broker.partition.state.withLock { $0.leader == nil && $0.follower != nil && !$0.isHeld })
        #expect(broker.followers.leaders == [BrokerID(2)])
        #expect(try part(broker.produce(PartitionsUnderTest.batch())).errorCode == .notLeaderOrFollower)
    }

    @Test("A write that fails takes the directory offline, and nothing of it is acknowledged")
    func fails() throws {
        let broker = try slowBroker()
        broker.pool.hold()
        let waiting = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        broker.files.failWrites(below: broker.directory + "/")
        broker.pool.release()
        #expect(try part(waiting).errorCode == .kafkaStorageError)
        #expect(broker.failureBox.all.count == 1)
        #expect(try broker.partition.state.withLock { $0.isOffline && !$0.isHeld && $0.errand == nil })
        #expect(try part(broker.produce(PartitionsUnderTest.batch(), acks: 1, partition: 1)).errorCode == .noError)
    }

    @Test("A flush that ends while a write is under way counts for what it covers")
    func flushMeanwhile() throws {
        let broker = try slowBroker(configs: ["flush.on.ack": "false"])
        broker.pool.hold()
        let waiting = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        try broker.partition.startFlush()
        broker.pool.release()
        #expect(try part(waiting).errorCode == .noError)
        let position = try #require(broker.partition.position)
        #expect(position.flushedEnd == Offset(1) && position.logEnd == Offset(2))
    }

    @Test("An errand writes once, however often it is asked to")
    func once() throws {
        let broker = try slowBroker()
        broker.pool.hold()
        _ = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        let (count, isSecondRefused) = try broker.partition.state.withLock { state in
            var after = Aftermath()
            let number = state.errand?.number ?? 0
            let first = state.nextWrite(number, refusal: nil, &after)
            let second = state.nextWrite(number, refusal: nil, &after)
            return (first?.incoming.count ?? 0, second == nil)
        }
        #expect(count == 1 && isSecondRefused)
    }

    @Test("What waits is refused where it is too much")
    func bounded() throws {
        let broker = try slowBroker()
        broker.pool.hold()
        let waiting = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        try broker.partition.state.withLock { $0.heldBytes = PartitionState.heldBytesMax }
        #expect(try part(broker.produce(PartitionsUnderTest.batch(), acks: 1)).errorCode == .kafkaStorageError)
        broker.pool.release()
        #expect(try part(waiting).errorCode == .noError)
        #expect(try broker.partition.state.withLock { $0.heldBytes } == 0)
    }

    @Test("Whose time is over while it waits is not written")
    func expires() throws {
        let broker = try slowBroker()
        broker.pool.hold()
        let late = try broker.produce(PartitionsUnderTest.batch(), timeoutMilliseconds: 100)
        broker.loop.pass(milliseconds: 200)
        #expect(try part(late).errorCode == .requestTimedOut)
        broker.pool.release()
        #expect(try end(broker) == Offset(1))
        #expect(try !broker.partition.state.withLock { $0.isHeld })
    }

    @Test("A stop refuses what waits, and the log is closed whole")
    func stops() throws {
        let broker = try slowBroker()
        broker.pool.hold()
        let waiting = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        try broker.partition.shutDown()
        #expect(try part(waiting).errorCode == .notLeaderOrFollower)
        broker.pool.release()
        #expect(broker.failureBox.all.isEmpty)
    }

    @Test("A follower's records are written by the directory's threads, and it fetches on then")
    func follower() throws {
        let broker = try slowBroker(replicas: [1, 2])
        try broker.moveLeadership(to: 2)
        let partition = try broker.partition
        let asked = try #require(partition.followerAsk?.position)
        #expect(asked.offset == Offset(1))
        var batch = try RecordBatch(PartitionsUnderTest.batch(2), at: 0)
        batch.place(at: Offset(1), leaderEpoch: LeaderEpoch(4))
        let reply = FollowerReplica.Reply(
            error: .noError, highWatermark: Offset(1), logStart: Offset(0), divergence: nil, hasRecords: true)
        broker.pool.hold()
        let before = broker.loop.now
        #expect(partition.received(reply, records: batch.bytes, asked: asked) == .stop)
        #expect(partition.followerAsk == nil && broker.loop.now == before)
        #expect(broker.followers.leaders == [BrokerID(2)])
        broker.pool.release()
        #expect(try end(broker) == Offset(3))
        #expect(partition.followerAsk?.position.offset == Offset(3))
        #expect(broker.followers.leaders == [BrokerID(2), BrokerID(2)], "told to go on")
        #expect(partition.position?.highWatermark == Offset(1))
    }

    @Test("A coordinator is told at once where its records will stand")
    func coordinator() throws {
        let broker = try slowBroker()
        let log = PartitionCoordinatorLog(try broker.partition, loop: broker.loop)
        let verdicts = Mutex<[ErrorCode]>([])
        broker.pool.hold()
        for expected in [Int64(3), 5] {
            let told = try log.append(PartitionsUnderTest.batch(2), in: LeaderEpoch(3)) { code in
                verdicts.withLock { $0.append(code) }
            }
            #expect(told == Offset(expected))
        }
        // What else comes may be refused, so nothing is promised behind it.
        _ = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        #expect(throws: CoordinatorLogError.self) {
            _ = try log.append(PartitionsUnderTest.batch(), in: LeaderEpoch(3)) { _ in }
        }
        broker.pool.release()
        broker.loop.run()
        #expect(try end(broker) == Offset(6))
        #expect(verdicts.withLock { $0 } == [.noError, .noError])
    }

    @Test("A leader that is cut off writes what a coordinator was told to be there, and commits it when it hears again")
    func cutOffCoordinator() throws {
        let broker = try slowBroker(replicas: [1, 2], configs: ["min.insync.replicas": "2", "flush.on.ack": "false"])
        let partition = try broker.partition
        let log = PartitionCoordinatorLog(partition, loop: broker.loop)
        let verdicts = Mutex<[ErrorCode]>([])
        broker.pool.hold()
        let told = try log.append(PartitionsUnderTest.batch(2), in: LeaderEpoch(3)) { code in
            verdicts.withLock { $0.append(code) }
        }
        let plain = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        broker.table.services.contact.heard(at: broker.loop.now)
        broker.loop.pass(milliseconds: 1_600)
        #expect(partition.isCutOff)
        partition.failWaitingIfCutOff()
        broker.loop.run()
        #expect(try part(plain).errorCode == .notLeaderOrFollower)
        #expect(verdicts.withLock { $0.isEmpty }, "its write is under way")
        broker.pool.release()
        broker.loop.run()
        #expect(try end(broker) == told)
        partition.failWaitingIfCutOff()
        broker.loop.run()
        #expect(verdicts.withLock { $0 } == [.notLeaderOrFollower], "it may be committed later")
        _ = try broker.fetch(at: told.value, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0)
        #expect(log.bounds(in: LeaderEpoch(3))?.highWatermark == told)
    }

    @Test("Chores change a copy, and the log goes on behind them")
    func chores() throws {
        let broker = try slowBroker(configs: ["segment.ms": "1"])
        try broker.partition.expireProducers()
        #expect(try broker.partition.enforceRetention().isEmpty)
        #expect(try part(broker.produce(PartitionsUnderTest.batch(), acks: 1)).baseOffset == Offset(1))
        #expect(try !broker.partition.state.withLock { $0.isHeld })
    }

    @Test("A move takes the hold of a write that was not begun, and what waits goes to the new directory")
    func moveFirst() throws {
        let broker = try slowBroker()
        let partition = try broker.partition
        broker.pool.hold()
        let waiting = try broker.produce(PartitionsUnderTest.batch(), acks: 1)
        #expect(partition.beginHold())
        broker.pool.release()
        #expect(waiting.response == nil)
        partition.endHold()
        broker.loop.run()
        #expect(try part(waiting).baseOffset == Offset(1))
    }
}
