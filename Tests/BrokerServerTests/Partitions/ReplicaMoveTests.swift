import Foundation
import Metadata
import Primitives
import Replication
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer
@testable import LogStorage

/// Broker 1 with two log directories; `t-0` lies in the first.
@Suite("Replicas move between log directories")
struct ReplicaMoveTests {
    private func broker(
        replicas: [Int32] = [1], configs: [String: String] = [:], node: String = ""
    ) throws -> PartitionsUnderTest {
        try PartitionsUnderTest(replicas: replicas, configs: configs, logDirectories: 2, node: node)
    }

    private func second(_ broker: PartitionsUnderTest) -> String { broker.directory + "-1" }

    private func move(
        _ broker: PartitionsUnderTest, _ topic: String = "t", _ index: Int32 = 0, to path: String, version: Int16 = 2
    ) throws -> ErrorCode? {
        try broker.call(AlterReplicaLogDirsHandler(table: broker.table), version: version) { request in
            var directory = AlterReplicaLogDirsRequest.AlterReplicaLogDir()
            directory.path = path
            var asked = AlterReplicaLogDirsRequest.AlterReplicaLogDirTopic()
            asked.name = topic
            asked.partitions = [PartitionIndex(index)]
            directory.topics = [asked]
            request.dirs = [directory]
        }.required().results.first?.partitions.first?.errorCode
    }

    private func produce(_ broker: PartitionsUnderTest, _ count: Int = 1) throws {
        for _ in 0..<count {
            let error = try broker.produce(PartitionsUnderTest.batch(3)).required()
                .responses.first?.partitionResponses.first?.errorCode
            #expect(error == .noError)
        }
    }

    private func records(_ broker: PartitionsUnderTest) throws -> Int {
        try #require(
            try broker.fetch(at: 0, maxWaitMilliseconds: 0).required().responses.first?.partitions.first
        ).records?.count ?? 0
    }

    private func described(_ broker: PartitionsUnderTest) throws -> [[DescribeLogDirsResponse.DescribeLogDirsPartition]]
    {
        try broker.call(DescribeLogDirsHandler(table: broker.table, world: broker.world), version: 5) { request in
            request.topics = nil
        }.required().results.map { $0.topics.flatMap(\.partitions) }
    }

    private func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test("A replica is copied, takes its place, and goes on there", arguments: [Int16(1), 2])
    func moves(version: Int16) throws {
        let broker = try broker()
        try produce(broker, 5)
        let before = try records(broker)
        #expect(try move(broker, to: second(broker), version: version) == .noError)
        broker.loop.pass(milliseconds: 500)
        #expect(try broker.partition.logDirectory == second(broker))
        #expect(try records(broker) == before)
        try produce(broker, 5)
        #expect(try records(broker) == 2 * before)
        #expect(try names(broker.directory).isEmpty)
        #expect(try names(second(broker)) == ["t-0"])
        let listed = try described(broker)
        #expect(listed[0].isEmpty && listed[1].map(\.isFutureKey) == [false])
        #expect(broker.table.moves.totals.finished == 1 && broker.table.moves.all.isEmpty)
        #expect(broker.failureBox.all.isEmpty)
        // And back.
        #expect(try move(broker, to: broker.directory) == .noError)
        broker.loop.pass(milliseconds: 500)
        #expect(try broker.partition.logDirectory == broker.directory)
        #expect(try records(broker) == 2 * before)
    }

    @Test("What can't be moved is refused as Kafka refuses it")
    func refusals() throws {
        let broker = try broker()
        #expect(try move(broker, to: "/elsewhere") == .logDirNotFound)
        #expect(try move(broker, "nothing", to: second(broker)) == .unknownTopicOrPartition)
        #expect(try move(broker, "t", 7, to: second(broker)) == .unknownTopicOrPartition)
        #expect(try move(broker, String(repeating: "x", count: 240), to: second(broker)) == .invalidTopicException)
        #expect(try move(broker, to: broker.directory) == .noError)
        #expect(broker.table.moves.all.isEmpty)
        broker.failureBox.note(LogFailure(directory: second(broker), reason: "broken"))
        #expect(try move(broker, to: second(broker)) == .kafkaStorageError)
        broker.failureBox.note(LogFailure(directory: broker.directory, reason: "broken"))
        #expect(try move(broker, to: broker.directory) == .kafkaStorageError)
    }

    @Test("A directory that was named before the replica was there is where it is made")
    func preference() throws {
        let broker = try broker()
        #expect(try move(broker, "t", 1, to: second(broker)) == .unknownTopicOrPartition)
        #expect(try move(broker, "t", 2, to: second(broker)) == .unknownTopicOrPartition)
        let registration = PartitionRegistration(
            replicas: [BrokerID(1)], isr: [BrokerID(1)], leader: BrokerID(1), leaderEpoch: LeaderEpoch(3))
        try broker.publish(
            (1...2).map {
                .partition(registration.record(topic: PartitionsUnderTest.topicID, index: PartitionIndex(Int32($0))))
            })
        #expect(broker.table.partition("t", PartitionIndex(1))?.logDirectory == second(broker))
        #expect(broker.table.partition("t", PartitionIndex(2))?.logDirectory == second(broker))
    }

    /// A move that a throttle holds up after its first piece.
    private func heldUp(_ broker: PartitionsUnderTest) throws {
        broker.table.services.throttles.directories.limit(bytesPerSecond: 1, over: .standard)
        broker.table.services.throttles.directories.record(bytes: 1_000, now: broker.loop.now)
        #expect(try move(broker, to: second(broker)) == .noError)
        broker.loop.pass(milliseconds: 300)
        #expect(try broker.partition.logDirectory == broker.directory)
    }

    @Test("A throttle holds a move up, DescribeLogDirs shows its copy, and it can be called off")
    func calledOff() throws {
        let broker = try broker()
        try produce(broker, 4)
        try heldUp(broker)
        let listed = try described(broker)
        #expect(listed[0].map(\.isFutureKey) == [false] && listed[1].map(\.isFutureKey) == [true])
        #expect(listed[1].first?.offsetLag == 12)
        #expect(try names(second(broker)).filter { $0.hasSuffix("-future") }.count == 1)
        #expect(try move(broker, to: broker.directory) == .noError)
        broker.loop.pass(milliseconds: 1_000)
        #expect(try names(second(broker)).isEmpty)
        #expect(broker.table.moves.all.isEmpty && broker.table.moves.totals.calledOff == 1)
        #expect(try described(broker)[1].isEmpty)
        broker.table.services.throttles.directories.limit(bytesPerSecond: .max, over: .standard)
        #expect(try move(broker, to: second(broker)) == .noError)
        broker.loop.pass(milliseconds: 500)
        #expect(try broker.partition.logDirectory == second(broker))
    }

    @Test("A topic that is deleted while its replica moves leaves nothing behind in either directory")
    func deleted() throws {
        let broker = try broker()
        try produce(broker, 4)
        try heldUp(broker)
        var removal = RemoveTopicRecord()
        removal.topicID = PartitionsUnderTest.topicID
        try broker.publish([.removeTopic(removal)])
        broker.loop.pass(milliseconds: 1_000)
        #expect(try names(broker.directory).isEmpty)
        #expect(try names(second(broker)).isEmpty)
        #expect(broker.table.moves.all.isEmpty)
    }

    @Test("A target that fails ends the move; the replica stays, and serves")
    func targetFails() throws {
        let broker = try broker()
        try produce(broker, 4)
        broker.files.failFlushes(below: second(broker))
        #expect(try move(broker, to: second(broker)) == .noError)
        broker.loop.pass(milliseconds: 1_000)
        #expect(broker.table.directories.offlinePaths == [second(broker)])
        #expect(broker.table.moves.all.isEmpty && broker.table.moves.totals.failed == 1)
        try produce(broker)
    }

    @Test("A full target is waited for")
    func targetFull() throws {
        let broker = try broker()
        try produce(broker, 4)
        broker.files.space.withLock { $0 = (free: 1_000, total: 1 << 40) }
        #expect(try move(broker, to: second(broker)) == .noError)
        broker.loop.pass(milliseconds: 1_000)
        #expect(try broker.partition.logDirectory == broker.directory)
        broker.files.space.withLock { $0 = nil }
        broker.loop.pass(milliseconds: 1_000)
        #expect(try broker.partition.logDirectory == second(broker))
    }

    @Test("A change of leader during the move changes nothing about it")
    func leaderChanges() throws {
        let broker = try broker(replicas: [1, 2], configs: ["min.insync.replicas": "1"])
        for _ in 0..<4 { _ = try broker.produce(PartitionsUnderTest.batch(3), acks: 1) }
        try heldUp(broker)
        try broker.moveLeadership(to: 2)
        broker.table.services.throttles.directories.limit(bytesPerSecond: .max, over: .standard)
        broker.loop.pass(milliseconds: 1_000)
        #expect(try broker.partition.logDirectory == second(broker))
        #expect(try broker.partition.position?.logEnd == Offset(12))
        #expect(try broker.partition.followerAsk?.position.offset == Offset(12))
        // Stopped for the switch, and started again behind it.
        #expect(broker.followers.leaders == [BrokerID(2), BrokerID(2)])
        try broker.moveLeadership(to: 1)
        #expect(try broker.partition.position?.isLeader == true)
    }

    @Test("What producers send while the log is held is appended behind it, in order")
    func held() throws {
        let broker = try broker()
        try produce(broker)
        #expect(try broker.partition.beginHold())
        let first = try broker.produce(PartitionsUnderTest.batch(2))
        let second = try broker.produce(PartitionsUnderTest.batch(1))
        #expect(first.response == nil && second.response == nil)
        #expect(try broker.partition.position?.logEnd == Offset(3))
        try broker.partition.endHold()
        broker.loop.run()
        let offsets = try [first, second].map {
            try $0.required().responses.first?.partitionResponses.first?.baseOffset
        }
        #expect(offsets == [Offset(3), Offset(5)])
        // A held log that changes its role answers those who wait.
        #expect(try broker.partition.beginHold())
        let third = try broker.produce(PartitionsUnderTest.batch(1))
        try broker.moveLeadership(to: 2)
        #expect(
            try third.required().responses.first?.partitionResponses.first?.errorCode == .notLeaderOrFollower)
    }

    @Test("While it moves a log is not compacted")
    func compaction() throws {
        let broker = try broker(configs: ["cleanup.policy": "compact", "segment.bytes": "1048576"])
        try heldUp(broker)
        #expect(try broker.partition.compactionSource(now: Timestamp(0)) == nil)
        #expect(try broker.partition.state.withLock { $0.isMoving })
        broker.table.services.throttles.directories.limit(bytesPerSecond: .max, over: .standard)
        broker.loop.pass(milliseconds: 1_000)
        #expect(try !broker.partition.state.withLock { $0.isMoving })
    }
}

/// What a start makes of directories that a crash left in the midst of a move, or that somebody has moved away.
@Suite("Replicas whose directories are in doubt")
struct ReplicaPlaceTests {
    private static let id = UUID128(high: 5, low: 5)
    private static let first = UUID128(high: 2, low: 1_000)
    private static let second = UUID128(high: 2, low: 1_001)

    private func found(
        _ path: String, _ id: UUID128, _ names: [String] = [], recovered: Int64? = nil
    ) -> DataDirectories.Found {
        let points = OffsetCheckpoint(
            entries: recovered.map {
                [OffsetCheckpoint.Entry(topic: "t", partition: PartitionIndex(0), offset: Offset($0))]
            } ?? [])
        return DataDirectories.Found(
            path: path, id: id, wasCleanShutdown: true, recoveryPoints: points, highWatermarks: nil, logStarts: nil,
            partitions: names.compactMap { name in
                PartitionDirectoryName(name).map {
                    LogDirectory.Found(name: $0, path: "\(path)/\(name)", topicID: Self.id, doubt: nil)
                }
            })
    }

    private func wanted(_ assigned: UUID128, isInvolved: Bool = true, isNew: Bool = false) -> DataDirectories.Wanted {
        var wanted = DataDirectories.Wanted(topic: "t", id: Self.id, index: PartitionIndex(0))
        (wanted.assigned, wanted.isNew, wanted.isInvolved) = (assigned, isNew, isInvolved)
        return wanted
    }

    private static let copy = "t-0.00000000000000070000000000000007-future"

    @Test("Of two logs of the name the one counts that the metadata names, once that is the newest")
    func two() {
        let directories = DataDirectories([found("/a", Self.first, ["t-0"]), found("/b", Self.second, ["t-0"])])
        guard case .waits = directories.claim(wanted(Self.first), isSettled: false) else {
            Issue.record("decided by old metadata")
            return
        }
        guard case .place(let place) = directories.claim(wanted(Self.second), isSettled: true) else {
            Issue.record("no place")
            return
        }
        #expect(place.directory == "/b" && place.copy == nil && place.missing == nil)
        #expect(directories.takeUnclaimed().map(\.directory) == ["/a"])
    }

    @Test("A log with a copy beside it counts, and its move goes on")
    func copy() {
        let directories = DataDirectories([found("/a", Self.first, ["t-0"]), found("/b", Self.second, [Self.copy])])
        guard case .place(let place) = directories.claim(wanted(Self.second), isSettled: false) else {
            Issue.record("no place")
            return
        }
        #expect(place.directory == "/a" && place.copy?.directory == "/b")
        #expect(directories.takeUnclaimed().isEmpty)
    }

    @Test("A copy does not stand in for a log in a directory that failed, nor for one that is nowhere")
    func copyAlone() {
        let offline = DataDirectories(
            [found("/b", Self.second, [Self.copy])], failed: [DataDirectories.Failed(path: "/a", reason: "gone")])
        guard case .offline = offline.claim(wanted(Self.second), isSettled: true) else {
            Issue.record("an empty log in the place of one that lies elsewhere")
            return
        }
        #expect(offline.takeUnclaimed().isEmpty)
        let alone = DataDirectories([found("/b", Self.second, [Self.copy])])
        guard case .place(let place) = alone.claim(wanted(Self.second), isSettled: true) else {
            Issue.record("no place")
            return
        }
        #expect(place.missing != nil)
        #expect(alone.takeUnclaimed().map(\.directory) == ["/b"])
    }

    @Test("What is found elsewhere than the metadata says, while a directory does not work, may be an older log")
    func older() {
        let directories = DataDirectories(
            [found("/a", Self.first, ["t-0"])], failed: [DataDirectories.Failed(path: "/b", reason: "gone")])
        guard case .offline = directories.claim(wanted(Self.second), isSettled: true) else {
            Issue.record("an older log counts")
            return
        }
        guard case .place(let place) = directories.claim(wanted(Self.first), isSettled: true) else {
            Issue.record("no place")
            return
        }
        #expect(place.directory == "/a")
    }

    @Test("A directory of which a checkpoint tells, and that is gone, is missed where others count on it")
    func missing() {
        func place(recovered: Int64?, isInvolved: Bool = true, isOver: Bool = false) -> DataDirectories.Place? {
            let directories = DataDirectories([found("/a", Self.first, recovered: recovered)])
            if isOver { directories.forgetCheckpoints() }
            guard
                case .place(let place) = directories.claim(
                    wanted(Self.first, isInvolved: isInvolved), isSettled: true)
            else { return nil }
            return place
        }
        #expect(place(recovered: 7)?.missing?.contains("recovery-point-offset-checkpoint") == true)
        #expect(place(recovered: 0) != nil && place(recovered: 0)?.missing == nil)
        #expect(place(recovered: nil)?.missing == nil)
        #expect(place(recovered: 7, isInvolved: false)?.missing == nil)
        #expect(place(recovered: 7, isOver: true)?.missing == nil)
    }

    @Test("The replica that is missed is offline until the controller has relieved it, then begun anew")
    func relieved() throws {
        let broker = try PartitionsUnderTest(replicas: [1, 2])
        let partition = try broker.partition
        var place = DataDirectories.Place(
            directory: broker.directory, start: .clean, highWatermark: .zero, stranger: nil)
        place.missing = "a checkpoint knows better"
        partition.step { state, after in state.beginRebuild(&after) }
        try FileManager.default.removeItem(atPath: partition.directory)
        broker.table.storing.open(partition, place)
        #expect(partition.state.withLock { $0.isOffline } && partition.damage != nil)
        try broker.relieve()
        #expect(partition.damage == nil && partition.followerAsk?.position.offset == .zero)
    }
}
