import Logging
import Metadata
import Primitives
import Replication
import Synchronization
import WireMessages
import WireProtocol
import World

/// Fetches from one leader for the partitions that this broker follows: one request in flight, as one fetch session.
///
/// Where a topic flushes on acknowledgement, a request names what is durable beside where it goes on, so records are
/// fetched while those before them are being flushed. As long as a flush is owed no request waits at the leader: it
/// would hold the acknowledgement back. Partitions that do not flush have a fetcher of their own, whose requests wait.
/// One that waits is hastened where there is something new to ask for: a partition that has just got its leader would
/// else wait for it, and acks=all with it.
///
/// `@unchecked Sendable`: touched on its loop only; the methods marked so go there first.
final class ReplicaFetcher: @unchecked Sendable {
    /// What all fetchers of a broker share.
    struct Setup: Sendable {
        let me: BrokerID
        let brokerEpoch: @Sendable () -> BrokerEpoch?
        let world: World
        /// `replica.fetch.wait.max.ms`.
        let waitMilliseconds: Int32
        /// `replica.fetch.min.bytes`.
        let minBytes: Int32
        /// How long an answer may take, the wait included (`replica.socket.timeout.ms`).
        let answerMilliseconds: Int64
        /// `replica.fetch.response.max.bytes`.
        let responseMaxBytes: Int32
        /// `replica.fetch.max.bytes`.
        let partitionMaxBytes: Int
        /// The pause after the first error and, doubled each time, the longest (`replica.fetch.backoff.ms`).
        let backoffMilliseconds: ClosedRange<Int64>
        let log: Logger
        /// Whether a newer high watermark is to come at once: consumers read here (KIP-392).
        let wantsHighWatermarks: Bool
        let versions: ReplicaRequestVersions
        /// A connection to this leader ended, or could not be made: a sign of death for whoever asks further.
        let leaderLost: @Sendable (BrokerID) -> Void
    }

    /// A partition that is fetched for. An object, as a reply changes half a dozen things of it, one after the other:
    /// in a dictionary of values each would be moved out of it and back.
    private final class Member {
        let partition: Partition
        /// What the fetch session calls it.
        let key: FetchKey
        var phase = Phase.ready
        /// Consecutive errors.
        var failures = 0
        var asked: FollowerReplica.Position?
        /// The number of the first request that carries `asked`; an answer to an earlier one is not about it.
        var askedSince: UInt64 = 0
        /// Whether the followers' throttle holds for it.
        var isThrottled = false
        /// Whether it has what is not durable yet.
        var owesFlush = false
        /// The leader's high watermark by the last answer.
        var leaderHighWatermark: Offset?

        init(_ partition: Partition) {
            self.partition = partition
            key = FetchKey(topic: .id(partition.id.topic), partition: partition.id.index)
        }

        var id: TopicPartitionID { partition.id }

        /// Whether it has all that is committed, and so may be in sync.
        func isCaughtUp(at end: Offset) -> Bool { leaderHighWatermark.map { end >= $0 } ?? false }
    }

    private enum Phase: Hashable {
        case ready
        /// Its log is to be cut, and a flush of it still runs.
        case flushing
        /// The pool cuts its log.
        case repairing
        /// Waits after an error, for its leader's log start, or because replicas like it took too much.
        case paused
        /// Only newer metadata makes it go on.
        case stopped
    }

    private enum SentOwing {
        /// For what may have come meanwhile only.
        case onChance
        /// As there was something to tell.
        case pressing
    }

    /// A change of the members that came from another thread.
    private enum Order {
        case add(Partition)
        case remove(TopicPartitionID)
    }

    /// How soon a replica that is throttled looks again whether it may fetch.
    private static let throttlePauseMilliseconds: Int64 = 100
    /// How long a flush that is owed keeps the fetcher from asking for its other partitions.
    private static let flushPatienceMilliseconds: Int64 = 10

    let leader: BrokerID
    let reach = LeaderReach()
    private let setup: Setup
    private let loop: any Loop
    /// In the order in which they were given. A loop hands on what it gives to others at the end of its round: what a
    /// thread of the pool gives later would overtake it, and a replica that stops and starts again would stop for good.
    private let orders = Mutex<[Order]>([])
    private var endpoint: Endpoint?
    private var connection: PeerConnection?
    private var session = FetchSessionBuilder()
    private var members: [TopicPartitionID: Member] = [:]
    /// How many members owe a flush.
    private var owing = 0
    private var eager = EagerFetching()
    /// How the request in flight came to be sent while a flush was owed; nil where none was.
    private var sentOwing: SentOwing?
    /// Whether there is something to tell that can't wait for the flushes that are owed.
    private var isPressing = false
    private var isPatienceTimed = false
    /// How many requests were sent; the last one's number.
    private var requests: UInt64 = 0
    private var isInFlight = false
    /// Whether what is in flight may wait at the leader, and was not hastened.
    private var mayWait = false
    private var isResting = false
    private var failures = 0

    init(leader: BrokerID, loop: any Loop, setup: Setup) {
        self.leader = leader
        self.loop = loop
        self.setup = setup
    }

    // MARK: from any thread

    func add(_ partition: Partition) { order(.add(partition)) }

    func remove(_ partition: TopicPartitionID) { order(.remove(partition)) }

    private func order(_ order: Order) {
        orders.withLock { $0.append(order) }
        loop.execute { self.takeOrders() }
    }

    func flushed(_ partition: TopicPartitionID) { loop.execute { self.flushEnded(partition) } }

    /// The address of the leader is known, or another one.
    func located(at endpoint: Endpoint?) { loop.execute { self.moved(to: endpoint) } }

    func shutDown() {
        loop.execute {
            self.members = [:]
            self.reach.rest()
            self.connection?.shutDown()
            self.connection = nil
            self.endpoint = nil
        }
    }

    // MARK: members

    private func takeOrders() {
        let taken = orders.withLock { orders in
            defer { orders = [] }
            return orders
        }
        for order in taken {
            switch order {
            case .add(let partition): added(partition)
            case .remove(let id): removed(id)
            }
        }
    }

    private func added(_ partition: Partition) {
        removed(partition.id)
        let member = Member(partition)
        members[partition.id] = member
        refresh(member)
        isPressing = true
        pump()
    }

    private func removed(_ id: TopicPartitionID) {
        guard let member = members.removeValue(forKey: id) else { return }
        if member.owesFlush { owing -= 1 }
        session.remove(member.key)
        pump()
    }

    private func flushEnded(_ id: TopicPartitionID) {
        guard let member = members[id] else { return }
        switch member.phase {
        case .flushing: setPhase(.ready, member)
        case .ready: break
        case .repairing, .paused, .stopped: return
        }
        refresh(member)
        isPressing = true
        pump()
    }

    private func setPhase(_ phase: Phase, _ member: Member) {
        member.phase = phase
        guard phase != .ready else { return }
        session.remove(member.key)
        setOwesFlush(false, member)
    }

    /// A member that is not asked for holds no request back.
    private func setOwesFlush(_ owes: Bool, _ member: Member) {
        guard member.owesFlush != owes else { return }
        member.owesFlush = owes
        owing += owes ? 1 : -1
    }

    /// Puts a partition's present position into the session, or finds out why it can't be asked for.
    private func refresh(_ member: Member) {
        guard member.phase == .ready else { return }
        guard let ask = member.partition.followerAsk else { return setPhase(.stopped, member) }
        setOwesFlush(ask.owesFlush, member)
        if ask.owesFlush { member.partition.startFlush() }
        member.isThrottled = ask.isThrottled
        if ask.isThrottled, !member.isCaughtUp(at: ask.position.offset),
            member.partition.services.throttles.followers.isExceeded(now: setup.world.clock.now)
        {
            return pause(member, forMilliseconds: ReplicaFetcher.throttlePauseMilliseconds)
        }
        if member.asked != ask.position {
            member.asked = ask.position
            member.askedSince = requests + 1
        }
        session.set(
            member.key,
            FetchWish(
                offset: ask.position.offset, currentLeaderEpoch: ask.position.leaderEpoch,
                lastFetchedEpoch: ask.position.lastEpoch, logStart: ask.logStart,
                highWatermark: setup.wantsHighWatermarks ? ask.highWatermark : nil, flushedEnd: ask.flushedEnd,
                maxBytes: setup.partitionMaxBytes))
    }

    // MARK: requests

    private func moved(to new: Endpoint?) {
        guard new != endpoint else { return }
        endpoint = new
        connection?.shutDown()
        connection = nil
        pump()
    }

    private func openConnection() -> PeerConnection? {
        if let connection { return connection }
        guard let endpoint else { return nil }
        let made = PeerConnection(
            to: endpoint, clientID: "broker-\(setup.me)-fetcher", network: setup.world.network,
            clock: setup.world.clock, loop: loop,
            whenEnded: { [leader, lost = setup.leaderLost] error in if error != .shutDown { lost(leader) } })
        connection = made
        return made
    }

    /// Sends the next request if one may be sent.
    private func pump() {
        if isInFlight { return hasten() }
        guard !isResting, !session.isEmpty, let connection = openConnection() else {
            if members.isEmpty { reach.rest() }
            return
        }
        guard owing == 0 || isPressing || eager.takesChance() else { return awaitFlush() }
        guard let epoch = setup.brokerEpoch() else { return rest() }
        let request = request(epoch)
        isInFlight = true
        mayWait = request.maxWaitMilliseconds > 0
        sentOwing = owing == 0 ? nil : isPressing ? .pressing : .onChance
        isPressing = false
        requests += 1
        reach.asked(dueAt: setup.world.clock.now.advanced(byMilliseconds: Int64(setup.waitMilliseconds)))
        connection.sendRaw(
            request, minVersion: FetchHandler.replicaStateSince, maxVersion: setup.versions.fetchMax,
            timeoutMilliseconds: setup.answerMilliseconds
        ) { [weak self] result in
            self?.replied(result)
        }
    }

    private func request(_ epoch: BrokerEpoch) -> FetchRequest {
        var request = FetchRequest()
        request.replicaState.replicaID = setup.me
        request.replicaState.replicaEpoch = epoch.value
        request.maxWaitMilliseconds = owing > 0 ? 0 : setup.waitMilliseconds
        request.minBytes = setup.minBytes
        request.maxBytes = setup.responseMaxBytes
        request.carry(session.next())
        return request
    }

    /// A Martlet answers a follower's fetch when another request comes behind it, whichever that is; for Kafka's
    /// brokers it is a question about nothing.
    private func hasten() {
        guard isPressing, mayWait, let connection else { return }
        mayWait = false
        var request = ListOffsetsRequest()
        request.replicaID = setup.me
        connection.send(
            request, maxVersion: setup.versions.listOffsetsMax, timeoutMilliseconds: setup.answerMilliseconds
        ) { _ in }
    }

    /// The flush asks on when it is done; should its disk be slow, the other partitions do not wait for it.
    private func awaitFlush() {
        if isPatienceTimed { return }
        isPatienceTimed = true
        loop.schedule(afterMilliseconds: ReplicaFetcher.flushPatienceMilliseconds) { [weak self] in
            guard let self else { return }
            self.isPatienceTimed = false
            if self.isInFlight { return }
            self.isPressing = true
            self.pump()
        }
    }

    private func replied(_ result: Result<RawResponse, PeerError>) {
        isInFlight = false
        guard case .success(let raw) = result,
            let response = try? FetchResponse.decode(raw.body, version: raw.version)
        else {
            reach.failed(at: setup.world.clock.now)
            session.failed(nil)
            return rest()
        }
        reach.answered()
        guard response.errorCode == .noError else {
            session.failed(response.errorCode)
            return rest()
        }
        failures = 0
        if let sentOwing { learn(from: response, sentOwing) }
        session.answered(sessionID: response.sessionID)
        for topic in response.responses {
            for part in topic.partitions { take(part, TopicPartitionID(topic.topicID, part.partitionIndex)) }
        }
        pump()
    }

    private func learn(from response: FetchResponse, _ sent: SentOwing) {
        let brought = response.responses.contains { topic in
            topic.partitions.contains { $0.records.map { !$0.isEmpty } ?? false }
        }
        if brought || sent == .onChance { eager.ended(broughtRecords: brought) }
    }

    /// Nothing is sent for a while; longer each time.
    private func rest() {
        isResting = true
        loop.schedule(afterMilliseconds: pause(after: failures)) { [weak self] in
            self?.isResting = false
            self?.pump()
        }
        failures += 1
    }

    private func pause(after failures: Int) -> Int64 {
        let range = setup.backoffMilliseconds
        return min(range.lowerBound << Int64(min(failures, 16)), range.upperBound)
    }

    // MARK: replies

    private func take(_ part: FetchResponse.PartitionData, _ id: TopicPartitionID) {
        // A partition that was assigned anew meanwhile: the answer is to what it asked in its former leader epoch.
        guard let member = members[id], member.phase == .ready, let asked = member.asked, member.askedSince <= requests
        else { return }
        member.leaderHighWatermark = part.highWatermark < 0 ? nil : Offset(part.highWatermark)
        let divergence = part.divergingEpoch
        let reply = FollowerReplica.Reply(
            error: part.errorCode, highWatermark: part.highWatermark < 0 ? nil : Offset(part.highWatermark),
            logStart: part.logStartOffset.value < 0 ? nil : part.logStartOffset,
            divergence: divergence.epoch < 0
                ? nil : EpochEnd(epoch: LeaderEpoch(divergence.epoch), endOffset: divergence.endOffset),
            hasRecords: part.records.map { !$0.isEmpty } ?? false)
        let progression = member.partition.received(reply, records: part.records, asked: asked)
        if let count = part.records?.count, count > 0, member.isThrottled {
            member.partition.services.throttles.followers.record(bytes: count, now: setup.world.clock.now)
        }
        if case .pause = progression {} else { member.failures = 0 }
        proceed(member, progression, asked)
    }

    private func proceed(
        _ member: Member, _ progression: FollowerProgression, _ asked: FollowerReplica.Position
    ) {
        switch progression {
        case .goOn: refresh(member)
        case .truncate(let end): repair(member, .divergence(end), asked)
        case .restart(let offset): repair(member, .restart(at: offset), asked)
        case .askLogStart: askLogStart(member, asked)
        case .waitForMetadata, .stop: setPhase(.stopped, member)
        case .pause(let error): pause(member, error)
        }
    }

    private func pause(_ member: Member, _ error: ErrorCode) {
        setup.log.debug(
            "replica fetch refused",
            metadata: [
                "partition": "\(member.partition.topicName)-\(member.id.index)", "leader": "\(leader)",
                "error": "\(error)",
            ])
        let milliseconds = pause(after: member.failures)
        member.failures += 1
        pause(member, forMilliseconds: milliseconds)
    }

    /// One partition is not asked for during so many milliseconds.
    private func pause(_ member: Member, forMilliseconds milliseconds: Int64) {
        setPhase(.paused, member)
        let partition = member.partition
        loop.schedule(afterMilliseconds: milliseconds) { [weak self] in self?.resume(partition) }
    }

    private func resume(_ partition: Partition) {
        guard let member = members[partition.id], member.partition === partition, member.phase != .flushing else {
            return
        }
        setPhase(.ready, member)
        refresh(member)
        isPressing = true
        pump()
    }

    private func repair(_ member: Member, _ repair: Partition.Repair, _ asked: FollowerReplica.Position) {
        let partition = member.partition
        // No file is cut while it is being flushed: when that is done the leader is asked once more.
        if partition.followerAsk?.owesFlush == true { return setPhase(.flushing, member) }
        setPhase(.repairing, member)
        partition.disk.pool.run {
            let report = partition.repair(repair, asked: asked)
            self.loop.execute {
                self.note(report, partition)
                self.resume(partition)
            }
        }
    }

    private func note(_ report: Partition.RepairReport, _ partition: Partition) {
        let name = "\(partition.topicName)-\(partition.id.index)"
        switch report {
        case .notNeeded: break
        case .cut(let to, let from):
            setup.log.info(
                "log cut to agree with its leader",
                metadata: ["partition": "\(name)", "from": "\(from)", "to": "\(to)"])
        case .cutCommitted(let to, let highWatermark, let copy):
            setup.log.error(
                "committed records are cut to agree with the leader; a copy is kept",
                metadata: [
                    "partition": "\(name)", "to": "\(to)", "highWatermark": "\(highWatermark)", "copy": "\(copy)",
                ])
        case .failed(let error):
            setup.log.error("log can't be cut", metadata: ["partition": "\(name)", "reason": "\(error)"])
        }
    }

    /// The leader said only that the position is out of its range: ask it where its log starts.
    private func askLogStart(_ member: Member, _ asked: FollowerReplica.Position) {
        guard let connection = openConnection() else { return pause(member, .offsetOutOfRange) }
        let partition = member.partition
        let id = partition.id
        setPhase(.paused, member)
        var request = ListOffsetsRequest()
        request.replicaID = setup.me
        var topic = ListOffsetsRequest.ListOffsetsTopic()
        topic.name = partition.topicName
        var wanted = ListOffsetsRequest.ListOffsetsPartition()
        wanted.partitionIndex = id.index
        wanted.currentLeaderEpoch = asked.leaderEpoch
        wanted.timestamp = ListOffsetsHandler.Special.earliest
        topic.partitions = [wanted]
        request.topics = [topic]
        connection.send(
            request, maxVersion: setup.versions.listOffsetsMax, timeoutMilliseconds: setup.answerMilliseconds
        ) { [weak self] result in
            guard let self, let member = self.members[id], member.partition === partition else { return }
            guard case .success(let response) = result, let part = response.topics.first?.partitions.first,
                part.errorCode == .noError, part.offset.value >= 0
            else { return self.pause(member, .offsetOutOfRange) }
            self.repair(member, .restart(at: part.offset), asked)
        }
    }
}
