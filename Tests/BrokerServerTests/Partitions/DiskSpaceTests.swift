import Primitives
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

/// A disk that has less free space than is reserved (fault F13).
@Suite("Full disks")
struct DiskSpaceTests {
    private static let megabyte: Int64 = 1 << 20

    private func watch(_ broker: PartitionsUnderTest, reserve: Int64 = 10 * megabyte) throws -> DiskSpaceWatch {
        let settings = try Settings(PropertiesFile(parsing: "log.dir.reserved.bytes=\(reserve)"))
        return DiskSpaceWatch(
            table: broker.table, world: broker.world,
            settings: DynamicSettings(settings, node: BrokerID(1), log: broker.table.log), log: broker.table.log)
    }

    private func setFree(_ broker: PartitionsUnderTest, _ free: Int64, of total: Int64 = 1_000 * megabyte) {
        broker.files.space.withLock { $0 = (free, total) }
        broker.loop.pass(milliseconds: 300)
    }

    private func produce(_ broker: PartitionsUnderTest) throws -> ErrorCode? {
        try broker.produce(PartitionsUnderTest.batch()).required().responses.first?.partitionResponses.first?.errorCode
    }

    @Test("Below the reserve produce gets a retriable error, reads go on, and all goes on once there is space")
    func leader() throws {
        let broker = try PartitionsUnderTest(replicas: [1], configs: ["min.insync.replicas": "1"])
        let watch = try watch(broker)
        setFree(broker, 11 * Self.megabyte)
        watch.start()
        broker.loop.pass(milliseconds: 300)
        #expect(try produce(broker) == .noError)
        setFree(broker, 9 * Self.megabyte)
        #expect(watch.fullDirectories == [broker.directory])
        #expect(try produce(broker) == .kafkaStorageError)
        let part = try #require(
            try broker.fetch(at: 0, maxWaitMilliseconds: 0).required().responses.first?.partitions.first)
        #expect(part.errorCode == .noError && part.records?.isEmpty == false)
        // A little more than the reserve is not enough: it would go on and off.
        setFree(broker, 11 * Self.megabyte)
        #expect(try produce(broker) == .kafkaStorageError)
        setFree(broker, 13 * Self.megabyte)
        #expect(try produce(broker) == .noError)
        #expect(try broker.partition.position?.logEnd == Offset(2))
        #expect(broker.failureBox.all.isEmpty)
        watch.stop()
    }

    @Test("A follower stops fetching while its disk is full, and goes on afterwards")
    func follower() throws {
        let broker = try PartitionsUnderTest()
        try broker.moveLeadership(to: 2)
        let watch = try watch(broker)
        watch.start()
        let before = broker.followers.leaders.count
        setFree(broker, 0)
        #expect(try broker.partition.followerAsk == nil)
        setFree(broker, 500 * Self.megabyte)
        #expect(try broker.partition.followerAsk != nil)
        #expect(broker.followers.leaders.count == before + 1)
        watch.stop()
    }

    @Test("On a small disk the reserve is a twentieth of it")
    func small() throws {
        let broker = try PartitionsUnderTest(replicas: [1])
        let watch = try watch(broker)
        setFree(broker, 6 * Self.megabyte, of: 100 * Self.megabyte)
        watch.look()
        #expect(watch.fullDirectories.isEmpty)
        setFree(broker, 4 * Self.megabyte, of: 100 * Self.megabyte)
        watch.look()
        #expect(watch.fullDirectories == [broker.directory])
    }
}
