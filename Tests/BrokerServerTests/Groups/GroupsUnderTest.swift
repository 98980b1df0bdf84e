import Coordinators
import Logging
import Metadata
import Primitives
import Security
import Synchronization
import Testing
import WireMessages
import WireProtocol
import World

@testable import BrokerServer

/// A broker's group APIs over one scripted partition, with loop and clock in the hands of the test.
final class GroupsUnderTest {
    let loop = ManualLoop()
    let log: ScriptedCoordinatorLog
    let groups: GroupCoordinatorHost
    let cache = MetadataCache()
    let answers = RecordedAnswers()
    private var sequence: UInt64 = 0

    init(_ adjust: (inout GroupConfiguration) -> Void = { _ in }) {
        let log = ScriptedCoordinatorLog(loop)
        self.log = log
        var settings = GroupConfiguration()
        settings.initialRebalanceDelayMilliseconds = 0
        adjust(&settings)
        groups = GroupCoordinatorHost(
            broker: BrokerID(1), settings: settings, clock: loop, loops: [loop], pool: LoopPool(loop),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, orders: .none, logOf: { _ in log })
    }

    // MARK: Metadata

    static let offsetsTopicID = UUID128(high: 7, low: 7)
    static let dataTopicID = UUID128(high: 8, low: 8)

    /// Makes `__consumer_offsets` with one partition, and a topic `t` with two.
    func createTopics(leader: Int32, epoch: Int32) throws {
        var records: [MetadataRecord] = []
        for (name, id, count) in [
            (GroupCoordinatorHost.topicName, GroupsUnderTest.offsetsTopicID, 1), ("t", GroupsUnderTest.dataTopicID, 2),
        ] {
            var topic = TopicRecord()
            topic.name = name
            topic.topicID = id
            records.append(.topic(topic))
            for index in 0..<count {
                var partition = PartitionRecord()
                partition.topicID = id
                partition.partitionID = PartitionIndex(Int32(index))
                partition.replicas = [BrokerID(1), BrokerID(2)]
                partition.isr = partition.replicas
                partition.leader = BrokerID(leader)
                partition.leaderEpoch = LeaderEpoch(epoch)
                records.append(.partition(partition))
            }
        }
        try publish(records)
    }

    func changeLeader(to leader: Int32) throws {
        var change = PartitionChangeRecord()
        change.topicID = GroupsUnderTest.offsetsTopicID
        change.partitionID = PartitionIndex(0)
        change.leader = BrokerID(leader)
        try publish([.partitionChange(change)])
    }

    func publish(_ records: [MetadataRecord]) throws {
        var next = cache.current
        var delta = MetadataDelta()
        for record in records { try next.replay(record, noting: &delta) }
        let published = next
        cache.replace(with: published)
        let changes = delta
        loop.run { [groups] in groups.metadataPublished(published, delta: changes) }
    }

    /// This broker leads, and its log is loaded.
    static func leading(_ adjust: (inout GroupConfiguration) -> Void = { _ in }) throws -> GroupsUnderTest {
        let made = GroupsUnderTest(adjust)
        made.log.lead(in: LeaderEpoch(5))
        try made.createTopics(leader: 1, epoch: 5)
        return made
    }

    // MARK: Requests

    /// Sends a request through its handler, over the wire's bytes; the answer is nil as long as it waits.
    func call<Handler: RequestHandler>(
        _ handler: Handler, version: Int16, _ fill: (inout Handler.Request) -> Void
    ) throws -> PendingAnswer<Handler.Request.Response> {
        var request = Handler.Request()
        fill(&request)
        sequence += 1
        let frame = ConnectionUnderTest.frame(request, version: version, Int32(sequence))
        let body = request.encoded(version: version)
        let header = RequestHeader(
            key: Handler.Request.key, version: version, correlationID: CorrelationID(Int32(sequence)),
            clientID: "client")
        let link = ScriptedLink(loop)
        let context = RequestContext(
            header: header,
            connection: ConnectionIdentity(
                id: 1, listener: ListenerIdentity(name: "TEST", kind: .client), principal: .anonymous,
                remote: link.remote, local: link.local, loop: loop),
            receivedAt: loop.now, bytes: body, frame: frame)
        let slot = ReplySlot(header: header, sequence: sequence, receiver: answers)
        let decoded = try Handler.Request.decode(body, version: version)
        loop.run { handler.handle(decoded, context, Reply(slot)) }
        return PendingAnswer(answers: answers, sequence: sequence, version: version)
    }

    var join: JoinGroupHandler { JoinGroupHandler(groups, randomness: CountingRandomness()) }

    func commit(_ offset: Int64, version: Int16 = 9) throws -> PendingAnswer<OffsetCommitResponse> {
        let handler = OffsetCommitHandler(groups, image: { [cache] in cache.current })
        return try call(handler, version: version) { request in
            request.groupID = "g"
            var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
            if version >= 10 { topic.topicID = GroupsUnderTest.dataTopicID } else { topic.name = "t" }
            var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
            partition.partitionIndex = PartitionIndex(1)
            partition.committedOffset = Offset(offset)
            partition.committedMetadata = "note"
            topic.partitions = [partition]
            request.topics = [topic]
        }
    }

    /// What the group `g` has committed for `t-1`, in the form of version 8 and later.
    func fetch(version: Int16 = 9) throws -> OffsetFetchResponse {
        let handler = OffsetFetchHandler(groups, image: { [cache] in cache.current })
        return try call(handler, version: version) { request in
            var group = OffsetFetchRequest.OffsetFetchRequestGroup()
            group.groupID = "g"
            var topic = OffsetFetchRequest.OffsetFetchRequestTopics()
            if version >= 10 { topic.topicID = GroupsUnderTest.dataTopicID } else { topic.name = "t" }
            topic.partitionIndexes = [PartitionIndex(1)]
            group.topics = [topic]
            request.groups = [group]
        }.required()
    }
}

/// An answer that may not have been given yet.
struct PendingAnswer<Response: WireMessage> {
    let answers: RecordedAnswers
    let sequence: UInt64
    let version: Int16

    var response: Response? {
        guard let frame = answers.frame(sequence) else { return nil }
        // Length, correlation id, and the tagged fields of a flexible header.
        let start = version >= Response.firstFlexible ? 9 : 8
        return try? Response.decode(frame[start..<frame.count], version: version)
    }

    func required() throws -> Response { try #require(response) }
}

/// Keeps the frames of answers by the request's number.
final class RecordedAnswers: ReplyReceiver {
    private let frames = Mutex<[UInt64: Bytes]>([:])

    func requestEnded(sequence: UInt64, _ outcome: ReplyOutcome) {
        guard case .segments(let segments) = outcome, case .bytes(let bytes)? = segments.first else { return }
        frames.withLock { $0[sequence] = bytes }
    }

    func frame(_ sequence: UInt64) -> Bytes? { frames.withLock { $0[sequence] } }
}

/// A pool that is the loop.
/// A pool whose work runs on the test's loop, at once or when the test lets it.
final class LoopPool: BlockingPool {
    private let loop: ManualLoop
    /// What waits; nil while nothing is held.
    private let held = Mutex<[@Sendable () -> Void]?>(nil)

    init(_ loop: ManualLoop) { self.loop = loop }

    func run(_ work: @escaping @Sendable () -> Void) {
        let isHeld = held.withLock { works in
            works?.append(work)
            return works != nil
        }
        if !isHeld { loop.execute(work) }
    }

    func hold() { held.withLock { $0 = $0 ?? [] } }

    /// How many pieces of work wait.
    var heldCount: Int { held.withLock { $0?.count ?? 0 } }

    /// Runs what waits, and lets what comes run at once.
    func release() {
        let works = held.withLock { works in
            defer { works = nil }
            return works ?? []
        }
        loop.run { for work in works { work() } }
    }
}

final class CountingRandomness: Randomness {
    private let next0 = Mutex<UInt64>(0)
    func next() -> UInt64 {
        next0.withLock { value in
            value += 1
            return value
        }
    }
}
