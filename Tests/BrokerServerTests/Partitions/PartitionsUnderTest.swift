import Foundation
import LiveWorld
import Logging
import LogStorage
import Metadata
import Primitives
import Security
import Synchronization
import Testing
import WireMessages
import WireProtocol
import World

@testable import BrokerServer

/// Broker 1 with one partition `t-0` on a real disk; loop, clock and pool in the hands of the test.
final class PartitionsUnderTest {
    static let topicID = UUID128(high: 5, low: 5)

    let loop = ManualLoop()
    let world: World
    let cache = MetadataCache()
    let table: PartitionTable
    let publisher: MetadataPublisher
    let followers = RecordedFollowers()
    let failures = Mutex<[LogFailure]>([])
    let answers = WholeAnswers()
    let files = FailingFiles(PosixFileStore())
    let pool: LoopPool
    /// The first log directory.
    let directory: String
    private var sequence: UInt64 = 0
    private var image = MetadataImage()
    /// Requests wait for the next round instead of running at once.
    private var isHolding = false
    private let racks: [Int32: String]
    let produceHandler: ProduceHandler
    let fetchHandler: FetchHandler
    let listOffsetsHandler: ListOffsetsHandler
    /// The connection of the last request; each has its own.
    private(set) var connection: ConnectionIdentity?
    let epochHandler: OffsetForLeaderEpochHandler

    /// - Parameter former: whose directory it has; the metadata of this start is still to come then. It has to outlive
    ///   this one.
    init(
        replicas: [Int32] = [1, 2], inSync: [Int32]? = nil, configs: [String: String] = [:], brokerEpoch: Int64 = 101,
        logDirectories: Int = 1, partitions: Int = 1, racks: [Int32: String] = [:], node: String = "",
        startingOn former: PartitionsUnderTest? = nil
    ) throws {
        self.racks = racks
        directory = former?.directory ?? NSTemporaryDirectory() + "/martlet-partitions-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        pool = LoopPool(loop)
        world = World(
            clock: loop, randomness: CountingRandomness(), files: files, network: ScriptedNetwork(loop), loops: [loop],
            controlLoop: loop, pool: pool)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let channel = ControllerChannel(clientID: "test", world: world) { _ in nil }
        let sender = AlterPartitionSender(
            broker: BrokerID(1), epoch: { BrokerEpoch(brokerEpoch) }, channel: channel, world: world)
        let failures = FailureBox()
        let services = PartitionServices(
            me: BrokerID(1), world: world, isrChanges: sender, followers: followers,
            whenLogFails: { failures.note($0) }, whenHighWatermarkMoves: { _, _ in })
        var found: [DataDirectories.Found] = []
        for number in 0..<logDirectories {
            let path = number == 0 ? directory : "\(directory)-\(number)"
            try files.createDirectory(path)
            let id = UUID128(high: 1, low: 1_000 + UInt64(number))
            found.append(try DataDirectories.look(into: path, id: id, files: files).found)
        }
        let settings = try Settings(PropertiesFile(parsing: node))
        table = PartitionTable(
            services: services, directories: DataDirectories(found), cache: cache,
            settings: DynamicSettings(settings, node: BrokerID(1), log: log), world: world, log: log,
            isSettled: former == nil)
        failures.table = table
        publisher = MetadataPublisher(cache: cache)
        produceHandler = ProduceHandler(table: table, world: world)
        fetchHandler = FetchHandler(
            table: table, world: world, settings: settings, interBrokerListener: "BROKERS", metadataFetch: nil)
        listOffsetsHandler = ListOffsetsHandler(table: table, world: world, interBrokerListener: "PLAINTEXT")
        epochHandler = OffsetForLeaderEpochHandler(table: table)
        publisher.subscribe(table)
        self.failureBox = failures
        try start(replicas: replicas, inSync: inSync ?? replicas, configs: configs, partitions: partitions)
    }

    let failureBox: FailureBox

    deinit { for path in table.directories.all { try? FileManager.default.removeItem(atPath: path.path) } }

    var partition: Partition {
        get throws { try #require(table.partition("t", PartitionIndex(0))) }
    }

    // MARK: metadata

    private func start(replicas: [Int32], inSync: [Int32], configs: [String: String], partitions: Int) throws {
        var records: [MetadataRecord] = []
        for id in replicas {
            var broker = RegisterBrokerRecord()
            broker.brokerID = BrokerID(id)
            broker.brokerEpoch = BrokerEpoch(Int64(100 + id))
            broker.fenced = false
            broker.rack = racks[id]
            var endpoint = RegisterBrokerRecord.BrokerEndpoint()
            endpoint.name = "CLIENTS"
            endpoint.host = "host\(id)"
            endpoint.port = 9_092
            broker.endPoints = [endpoint]
            records.append(.registerBroker(broker))
        }
        var topic = TopicRecord()
        topic.name = "t"
        topic.topicID = PartitionsUnderTest.topicID
        records.append(.topic(topic))
        for (key, value) in configs.sorted(by: { $0.key < $1.key }) {
            var config = ConfigRecord()
            config.resourceType = ConfigResource.Kind.topic.value
            config.resourceName = "t"
            config.name = key
            config.value = value
            records.append(.config(config))
        }
        let registration = PartitionRegistration(
            replicas: replicas.map { BrokerID($0) }, isr: inSync.map { BrokerID($0) }, leader: BrokerID(1),
            leaderEpoch: LeaderEpoch(3))
        for number in 0..<partitions {
            let index = PartitionIndex(Int32(number))
            records.append(.partition(registration.record(topic: PartitionsUnderTest.topicID, index: index)))
        }
        try publish(records)
    }

    func publish(_ records: [MetadataRecord]) throws {
        var copy = image
        var delta = MetadataDelta()
        for record in records { try copy.replay(record, noting: &delta) }
        image = copy
        let (table, cache, changed, changes) = (table, cache, copy, delta)
        loop.run {
            cache.replace(with: changed)
            table.metadataPublished(changed, delta: changes)
        }
    }

    /// Sets one key of the topic's configuration.
    func configure(_ key: String, _ value: String) throws {
        var config = ConfigRecord()
        config.resourceType = ConfigResource.Kind.topic.value
        config.resourceName = "t"
        config.name = key
        config.value = value
        try publish([.config(config)])
    }

    /// Fences a broker.
    func fence(_ broker: Int32) throws {
        var change = BrokerRegistrationChangeRecord()
        change.brokerID = BrokerID(broker)
        change.brokerEpoch = BrokerEpoch(Int64(100 + broker))
        change.fenced = 1
        try publish([.brokerRegistrationChange(change)])
    }

    /// Makes another broker the leader, in the next epoch.
    func moveLeadership(to leader: Int32) throws {
        var change = PartitionChangeRecord()
        change.topicID = PartitionsUnderTest.topicID
        change.partitionID = PartitionIndex(0)
        change.leader = BrokerID(leader)
        try publish([.partitionChange(change)])
    }

    /// Places the partition on other brokers, or back.
    func place(on replicas: [Int32]) throws {
        var change = PartitionChangeRecord()
        change.topicID = PartitionsUnderTest.topicID
        change.partitionID = PartitionIndex(0)
        change.replicas = replicas.map { BrokerID($0) }
        change.isr = change.replicas
        change.leader = BrokerID(replicas[0])
        try publish([.partitionChange(change)])
    }

    /// What the controller answers to a replica that is reported as lost: broker 2 leads without it.
    func relieve() throws {
        var change = PartitionChangeRecord()
        change.topicID = PartitionsUnderTest.topicID
        change.partitionID = PartitionIndex(0)
        change.leader = BrokerID(2)
        change.isr = [BrokerID(2)]
        change.directories = [.lostDirectory, .unassignedDirectory]
        try publish([.partitionChange(change)])
    }

    // MARK: requests

    static func batch(_ count: Int = 1, producer: BatchProducer? = nil) -> Bytes {
        var builder = RecordBatchBuilder(producer: producer)
        for index in 0..<count {
            builder.append(timestamp: Timestamp(0), key: nil, value: Bytes(utf8: "value \(index)"))
        }
        return builder.finish()
    }

    func produce(
        _ records: Bytes?, acks: Int16 = -1, version: Int16 = 9, timeoutMilliseconds: Int32 = 1_000,
        partition: Int32 = 0
    ) throws -> WholeAnswer<ProduceResponse> {
        try call(produceHandler, version: version) { request in
            request.acks = acks
            request.timeoutMilliseconds = timeoutMilliseconds
            var topic = ProduceRequest.TopicProduceData()
            if version >= 13 { topic.topicID = PartitionsUnderTest.topicID } else { topic.name = "t" }
            var data = ProduceRequest.PartitionProduceData()
            data.index = partition
            data.records = records
            topic.partitionData = [data]
            request.topicData = [topic]
        }
    }

    /// Batches of one connection that come in one after the other before any of them is answered.
    func produceInOneRound(_ batches: [Bytes], version: Int16 = 9) throws -> [WholeAnswer<ProduceResponse>] {
        isHolding = true
        let answers = try batches.map { try produce($0, version: version) }
        isHolding = false
        loop.run()
        return answers
    }

    /// A fetch of `t-0`: of a consumer, or of follower 2 on the brokers' listener.
    func fetch(
        at offset: Int64, version: Int16 = 18, follower: Int32? = nil, epoch: Int32 = -1, lastEpoch: Int32 = -1,
        maxWaitMilliseconds: Int32 = 500, minBytes: Int32 = 1, session: (id: Int32, epoch: Int32) = (0, -1),
        listener: String? = nil, logStart: Int64 = -1, highWatermark: Int64 = .max, rack: String = "",
        flushed: Int64 = -1, readsCommittedOnly: Bool = false
    ) throws -> WholeAnswer<FetchResponse> {
        try call(fetchHandler, version: version, listener: listener ?? (follower == nil ? "CLIENTS" : "BROKERS")) {
            request in
            if let follower {
                request.replicaState.replicaID = BrokerID(follower)
                request.replicaState.replicaEpoch = Int64(100 + follower)
            }
            request.maxWaitMilliseconds = maxWaitMilliseconds
            request.minBytes = minBytes
            request.isolationLevel = readsCommittedOnly ? 1 : 0
            if version >= 7 { (request.sessionID, request.sessionEpoch) = session }
            var topic = FetchRequest.FetchTopic()
            if version >= 13 { topic.topicID = PartitionsUnderTest.topicID } else { topic.topic = "t" }
            var partition = FetchRequest.FetchPartition()
            partition.fetchOffset = Offset(offset)
            if version >= 9 { partition.currentLeaderEpoch = LeaderEpoch(epoch) }
            if version >= 12 { partition.lastFetchedEpoch = lastEpoch }
            partition.partitionMaxBytes = 1 << 20
            if version >= 5 { partition.logStartOffset = Offset(logStart) }
            if version >= 18 { partition.highWatermark = highWatermark }
            if version >= 15 { partition.flushedOffset = Offset(flushed) }
            if version >= 11 { request.rackID = rack }
            topic.partitions = [partition]
            request.topics = [topic]
        }
    }

    func call<Handler: RequestHandler>(
        _ handler: Handler, version: Int16, listener: String = "CLIENTS", _ fill: (inout Handler.Request) -> Void
    ) throws -> WholeAnswer<Handler.Request.Response> {
        var request = Handler.Request()
        fill(&request)
        sequence += 1
        let body = request.encoded(version: version)
        let header = RequestHeader(
            key: Handler.Request.key, version: version, correlationID: CorrelationID(Int32(sequence)),
            clientID: "client")
        let link = ScriptedLink(loop)
        let connection = ConnectionIdentity(
            id: 1, listener: ListenerIdentity(name: listener, kind: .client), principal: .anonymous,
            remote: link.remote, local: link.local, loop: loop)
        self.connection = connection
        let context = RequestContext(
            header: header, connection: connection,
            receivedAt: loop.now, bytes: body, frame: body)
        let slot = ReplySlot(header: header, sequence: sequence, receiver: answers)
        let decoded = try Handler.Request.decode(body, version: version)
        let work: @Sendable () -> Void = { handler.handle(decoded, context, Reply(slot)) }
        if isHolding { loop.execute(work) } else { loop.run(work) }
        return WholeAnswer(answers: answers, sequence: sequence, version: version)
    }
}

/// Passes failures of logs on to the table, as the node does.
final class FailureBox: Sendable {
    private struct State {
        var failures: [LogFailure] = []
        var table: PartitionTable?
    }

    private let state = Mutex(State())

    var table: PartitionTable? {
        get { state.withLock { $0.table } }
        set { state.withLock { $0.table = newValue } }
    }

    var all: [LogFailure] { state.withLock { $0.failures } }

    func note(_ failure: LogFailure) {
        let table = state.withLock { state in
            state.failures.append(failure)
            return state.table
        }
        guard let path = table?.directories.online.map(\.path).first(where: failure.lies(in:)) else { return }
        table?.directoryFailed(path, reason: failure.reason)
    }
}

final class RecordedFollowers: FollowerControl {
    private let followed = Mutex<[BrokerID]>([])
    /// The leaders that were to be followed, in order.
    var leaders: [BrokerID] { followed.withLock { $0 } }
    func follow(_ partition: Partition, leader: BrokerID) { followed.withLock { $0.append(leader) } }
    func unfollow(_ partition: Partition) {}
    func flushed(_ partition: Partition) { hearer.withLock { $0 }?.flushed(partition) }

    /// Who is told of flushes.
    private let hearer = Mutex<(any FollowerControl)?>(nil)
    func tellFlushes(to other: any FollowerControl) { hearer.withLock { $0 = other } }
}

/// An answer, all its pieces put together; it may not have been given yet.
struct WholeAnswer<Response: WireMessage> {
    let answers: WholeAnswers
    let sequence: UInt64
    let version: Int16

    var response: Response? {
        guard let frame = answers.frame(sequence) else { return nil }
        // Length, correlation id, and the tagged fields of a flexible header.
        let start = version >= Response.firstFlexible ? 9 : 8
        return try? Response.decode(frame[start..<frame.count], version: version)
    }

    var isClosed: Bool { answers.isClosed(sequence) }

    func required() throws -> Response { try #require(response) }
}

final class WholeAnswers: ReplyReceiver {
    private let outcomes = Mutex<[UInt64: ReplyOutcome]>([:])

    func requestEnded(sequence: UInt64, _ outcome: ReplyOutcome) { outcomes.withLock { $0[sequence] = outcome } }

    func isClosed(_ sequence: UInt64) -> Bool {
        if case .close = outcomes.withLock({ $0[sequence] }) { true } else { false }
    }

    func frame(_ sequence: UInt64) -> Bytes? {
        guard case .segments(let segments) = outcomes.withLock({ $0[sequence] }) else { return nil }
        var whole: [UInt8] = []
        for segment in segments {
            switch segment {
            case .bytes(let bytes): whole += bytes.array
            case .file(let file, let position, let count):
                let buffer = Bytes(MemoryRegion(count: count), start: 0, count: count)
                guard (try? file.read(into: buffer, at: position)) == count else { return nil }
                whole += buffer.array
            }
        }
        return Bytes(whole)
    }
}
