import Foundation
import LogStorage
import Metadata
import Primitives
import Replication
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

/// One flipped byte in a closed segment of a running broker (fault F16).
@Suite("Damaged logs")
struct DamagedLogTests {
    private static let first = "00000000000000000000.log"

    /// Leader of `t-0` beside broker 2, with some closed segments of which all is committed.
    private func broker(replicas: [Int32] = [1, 2]) throws -> PartitionsUnderTest {
        let broker = try PartitionsUnderTest(
            replicas: replicas, configs: ["segment.bytes": "1048576", "min.insync.replicas": "1"])
        for _ in 0..<5 { _ = try broker.produce(PartitionsUnderTest.batch(3), acks: 1) }
        _ = try broker.partition.state.withLock { state in try state.log?.roll(now: Timestamp(0)) }
        _ = try broker.produce(PartitionsUnderTest.batch(3), acks: 1)
        if replicas.count > 1 {
            _ = try broker.fetch(at: 18, follower: 2, epoch: 3, lastEpoch: 3, maxWaitMilliseconds: 0)
        }
        return broker
    }

    private func flip(_ broker: PartitionsUnderTest, at position: UInt64) throws {
        let path = try broker.partition.directory + "/" + Self.first
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.seek(toOffset: position)
        let byte = try #require(try file.read(upToCount: 1)?.first)
        try file.seek(toOffset: position)
        try file.write(contentsOf: [byte ^ 0x10])
        try file.close()
        // What a process wrote a moment ago it does not doubt.
        let now = MonotonicInstant(0)
        for instant in [now, now.advanced(byMilliseconds: 3_600_000)] {
            try broker.partition.state.withLock { $0.log?.ageTrust(now: instant) }
        }
    }

    private func read(_ broker: PartitionsUnderTest, at offset: Int64) throws -> FetchResponse.PartitionData {
        try #require(
            try broker.fetch(at: offset, maxWaitMilliseconds: 0).required().responses.first?.partitions.first)
    }

    @Test("A damaged batch is never sent: an answer ends before it, then says KAFKA_STORAGE_ERROR")
    func neverServed() throws {
        let broker = try broker(replicas: [1])
        let size = UInt64(PartitionsUnderTest.batch(3).count)
        #expect(try read(broker, at: 0).records?.count == 5 * Int(size))
        try flip(broker, at: 2 * size + 70)
        #expect(try read(broker, at: 0).records?.count == 2 * Int(size))
        let damaged = try read(broker, at: 6)
        #expect(damaged.errorCode == .kafkaStorageError && damaged.records?.isEmpty ?? true)
        // What stands behind it is sound and is served; it is the only copy.
        #expect(try read(broker, at: 9).records?.count == 2 * Int(size))
        #expect(try read(broker, at: 15).records?.count == Int(size))
        let found = try #require(try broker.partition.damage)
        #expect(found.damage.position == Int64(2 * size) && found.damage.offset == Offset(6))
        #expect(try broker.partition.figures.isDamaged)
        #expect(broker.failureBox.all.isEmpty)
    }

    @Test("A follower of a damaged leader gets nothing damaged either")
    func followers() throws {
        let broker = try broker()
        try flip(broker, at: 70)
        let part = try #require(
            try broker.fetch(at: 0, follower: 2, epoch: 3, maxWaitMilliseconds: 0).required().responses.first?
                .partitions.first)
        #expect(part.errorCode == .kafkaStorageError)
        #expect(try broker.partition.damage != nil)
    }

    @Test("Once another leads and it is out of the ISR, the damaged log is set aside and an empty one follows")
    func rebuilt() throws {
        let broker = try broker()
        try flip(broker, at: 70)
        #expect(try read(broker, at: 0).errorCode == .kafkaStorageError)
        // A change of leader alone is not enough: it is in the ISR still. It does not fetch any more.
        try broker.moveLeadership(to: 2)
        #expect(try broker.partition.followerAsk == nil)
        #expect(try broker.partition.position?.logEnd == Offset(18))
        try broker.relieve()
        #expect(try broker.partition.damage == nil)
        #expect(try broker.partition.position?.logEnd == Offset(0))
        #expect(try broker.partition.followerAsk?.position.offset == Offset(0))
        let names = try FileManager.default.contentsOfDirectory(atPath: broker.directory).sorted()
        let asided = try #require(names.first { $0.hasSuffix("-stray") })
        #expect(names.contains("t-0"))
        let kept = try FileManager.default.contentsOfDirectory(atPath: broker.directory + "/" + asided)
        #expect(kept.contains(Self.first))
    }

    @Test("A flush of the log that was set aside makes nothing of the new one durable, and writes nothing into it")
    func flushOfTheFormerLog() throws {
        let broker = try broker()
        let partition = try broker.partition
        _ = try partition.state.withLock { state in try state.log?.roll(now: Timestamp(0)) }
        let (before, after) = (try #require(partition.nextFlush()), try #require(partition.nextFlush()))
        try flip(broker, at: 70)
        #expect(try read(broker, at: 0).errorCode == .kafkaStorageError)
        try broker.moveLeadership(to: 2)
        try broker.relieve()
        #expect(partition.position?.logEnd == Offset(0))
        let epochs = partition.directory + "/leader-epoch-checkpoint"
        let content = FileManager.default.contents(atPath: epochs)
        #expect(partition.run(before))
        #expect(FileManager.default.contents(atPath: epochs) == content)
        broker.files.failFlushes()
        // Not even touched: no failure of its files is one of the new log.
        #expect(partition.run(after))
        #expect(partition.position?.flushedEnd == Offset(0))
        #expect(broker.failureBox.all.isEmpty)
    }

    @Test("A damaged replica that the controller does not relieve keeps what it has")
    func keeps() throws {
        let broker = try broker()
        try flip(broker, at: 70)
        #expect(try read(broker, at: 0).errorCode == .kafkaStorageError)
        try broker.fence(2)
        #expect(try broker.partition.position?.logEnd == Offset(18))
        #expect(try broker.partition.position?.isLeader == true)
        #expect(try read(broker, at: 15).errorCode == .noError)
    }

    @Test("The scrubber finds what nobody reads")
    func scrubbed() throws {
        let broker = try broker(replicas: [1])
        let settings = try Settings(PropertiesFile(parsing: "log.scrub.interval.ms=1000"))
        let scrubber = LogScrubber(
            table: broker.table, world: broker.world,
            settings: DynamicSettings(settings, node: BrokerID(1), log: broker.table.log))
        scrubber.start()
        broker.loop.pass(milliseconds: 20_000)
        #expect(scrubber.figures.damagedLogs == 0 && scrubber.figures.passes >= 2)
        #expect(scrubber.figures.bytes >= 6 * UInt64(PartitionsUnderTest.batch(3).count))
        #expect(try broker.partition.damage == nil)
        try flip(broker, at: 70)
        broker.loop.pass(milliseconds: 20_000)
        #expect(scrubber.figures.damagedLogs == 1)
        #expect(try broker.partition.damage?.damage.position == 0)
        scrubber.stop()
    }
}
