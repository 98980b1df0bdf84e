import BrokerServer
import ClientCore
import Metadata
import Primitives
import WireMessages
import World

/// A member of a group by one of the two protocols: it reads what it is given from where the group has committed, and
/// commits how far it got.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedMember: @unchecked Sendable {
    enum Machine {
        case classic(GroupMembership)
        case consumer(ConsumerMembership)
    }

    let client: SimulatedClient
    let life: MemberLife
    let truth: ClusterTruth
    let groups: GroupTruth
    private let history: ClientHistory
    private let trace: ClusterTrace
    let topic: String
    var machine: Machine
    var generator: SeededGenerator
    var coordinator: BrokerID?
    var positions = ConsumerPositions(resetPolicy: .earliest)
    /// What was committed and acknowledged to this life.
    var committed: [TopicPartition: Offset] = [:]
    /// What it is told to own.
    var owned: [TopicPartition] = []
    /// It does not go on with its group before a commit is answered.
    var isHeld = false
    var isCommitting = false
    private var isAskingForOffsets = false
    private var isAskingForStart = false
    private var busy: Set<BrokerID> = []
    private var wake: (any Timer)?
    private(set) var isPaused = false
    var isAlive: Bool { !client.isClosed }
    private let commitMilliseconds: Int64

    /// Wait before a question that had no answer is put again.
    static let retryMilliseconds: Int64 = 50

    init(
        _ client: SimulatedClient, group: String, speech: GroupPlan.Speech, instanceID: String?, topic: String,
        commitMilliseconds: Int64, truth: ClusterTruth, groups: GroupTruth, history: ClientHistory,
        trace: ClusterTrace
    ) {
        self.client = client
        self.truth = truth
        self.groups = groups
        self.history = history
        self.trace = trace
        self.topic = topic
        self.commitMilliseconds = commitMilliseconds
        life = MemberLife(
            group: group, number: client.number, instanceID: instanceID, isClassic: speech == .classic)
        generator = client.generator()
        groups.began(life)
        if speech == .classic {
            var settings = GroupMembership.Settings(groupID: group, topics: [topic], instanceID: instanceID)
            settings.sessionTimeoutMilliseconds = Int32(GroupPlan.sessionMilliseconds)
            settings.rebalanceTimeoutMilliseconds = Int32(GroupPlan.rebalanceMilliseconds)
            settings.heartbeatIntervalMilliseconds = GroupPlan.heartbeatMilliseconds
            machine = .classic(GroupMembership(settings: settings))
        } else {
            var settings = ConsumerMembership.Settings(
                groupID: group, memberID: "client-\(client.number)", topics: [topic], instanceID: instanceID)
            settings.rebalanceTimeoutMilliseconds = Int32(GroupPlan.rebalanceMilliseconds)
            machine = .consumer(ConsumerMembership(settings: settings))
        }
    }

    /// Whether it has its share, and has read and committed all that is `committed` of it.
    func isAtRest(_ end: (TopicPartition) -> Offset) -> Bool {
        let isStable =
            switch machine {
            case .classic(let member): member.isStable
            case .consumer(let member): member.isStable
            }
        return isStable && !isHeld && owned == positions.assigned
            && owned.allSatisfy { position($0) == end($0) && (end($0) == .zero || committed[$0] == end($0)) }
    }

    func position(_ place: TopicPartition) -> Offset? {
        if case .at(let offset, _) = positions.state(of: place) { offset } else { nil }
    }

    // MARK: life

    func start() {
        client.loop.execute { self.join() }
        client.loop.schedule(afterMilliseconds: commitMilliseconds) { self.commitNowAndThen() }
    }

    /// Joins once it knows the topic, of whose id its share will be.
    private func join() {
        client.refresh([topic]) { [self] in
            if client.view.topics[topic] == nil { join() } else { pump() }
        }
    }

    /// A line of the trace.
    func tell(_ words: @autoclosure () -> String) {
        if trace.isKept { trace.add(0, "client \(client.number) \(words())") }
    }

    /// It stands still: what comes waits.
    func pause() {
        isPaused = true
        client.loop.pause()
    }

    /// It goes on, and commits how far it got before it knows what became of it.
    func resume() {
        isPaused = false
        client.loop.resume()
        client.loop.execute { [self] in if !isHeld { commit {} } }
    }

    /// It dies without a word.
    func crash() { client.close() }

    // MARK: the group

    func pump() {
        guard !client.isClosed else { return }
        readOn()
        guard !isHeld else { return }
        switch machine {
        case .classic(var member):
            let effect = member.advance(now: client.now)
            let next = member.nextWake
            machine = .classic(member)
            if let effect { perform(effect) } else { wakeUp(at: next) }
        case .consumer(var member):
            let effect = member.advance(now: client.now)
            let next = member.nextWake
            machine = .consumer(member)
            if let effect { perform(effect) } else { wakeUp(at: next) }
        }
    }

    private func wakeUp(at instant: MonotonicInstant?) {
        wake?.cancel()
        guard let instant else { return }
        let wait = max(instant.milliseconds(since: client.now) + 1, 2)
        wake = client.loop.schedule(afterMilliseconds: wait) { self.pump() }
    }

    /// Its share is another now.
    func owns(_ places: [TopicPartition]) {
        guard places.sorted() != owned, places.isEmpty || !life.hasLeft else { return }
        owned = places.sorted()
        tell("owns \(owned)")
        history.subscribes(owned, by: client.number)
        positions.assign(owned, startingAt: .needsCommitted)
        committed = committed.filter { owned.contains($0.key) }
    }

    // MARK: records

    private func readOn() {
        askForOffsets()
        askForStart()
        let plan = positions.plan(view: client.view, busy: busy)
        if !plan.leaderless.isEmpty { client.refresh(plan.leaderless) { self.pump() } }
        for fetch in plan.fetches { send(fetch) }
    }

    private func pumpLater() {
        client.loop.schedule(afterMilliseconds: SimulatedMember.retryMilliseconds) { self.pump() }
    }

    /// Asks where the group has got to in what is new.
    private func askForOffsets() {
        let places = positions.needingCommitted
        guard !places.isEmpty, !isAskingForOffsets, let coordinator else { return }
        isAskingForOffsets = true
        let asked = client.now
        var request = CommittedOffsets.request(group: life.group, places: places)
        request.requireStable = true
        client.send(request, to: coordinator, maxVersion: CommittedOffsets.versionMax) { [self] result in
            isAskingForOffsets = false
            guard case .success(let response) = result else { return pumpLater() }
            let answer = CommittedOffsets.answer(response)
            guard answer.error == .noError else {
                truth.reach("offset fetch: \(answer.error)")
                failed(answer.error)
                return pumpLater()
            }
            for place in places {
                let offset = answer.offsets[place]?.offset
                let key = GroupPlace(group: life.group, place: place)
                if let reason = groups.offsets.read(key, offset, from: asked, at: client.now) {
                    truth.violated(reason)
                }
                positions.committed(place, offset, epoch: answer.offsets[place]?.leaderEpoch)
                if let offset { committed[place] = offset }
            }
            pump()
        }
    }

    private func askForStart() {
        let needed = positions.needingReset.map(\.place)
        guard !needed.isEmpty, !isAskingForStart else { return }
        guard let leader = client.view.partition(needed[0])?.leader, client.view.brokers[leader] != nil else {
            return client.refresh([topic]) { self.pump() }
        }
        isAskingForStart = true
        let mine = needed.filter { client.view.partition($0)?.leader == leader }
        client.send(OffsetQuestion.request(mine, at: .earliest, view: client.view), to: leader) { [self] result in
            isAskingForStart = false
            var isKnown = false
            if case .success(let response) = result {
                for answer in OffsetQuestion.answers(response) where answer.error == .noError {
                    guard let offset = answer.offset else { continue }
                    positions.set(answer.place, .at(offset, lastEpoch: nil))
                    isKnown = true
                }
            }
            if isKnown { pump() } else { client.refresh([topic]) { self.pump() } }
        }
    }

    private func send(_ fetch: ConsumerPositions.Fetch) {
        busy.insert(fetch.leader)
        var limits = FetchQuestion.Limits()
        limits.waitMillisecondsMax = 300
        limits.partitionBytesMax = 8_192
        let view = client.view
        let request = FetchQuestion.request(fetch.wanted, limits: limits, view: view)
        client.send(request, to: fetch.leader) { [self] result in
            busy.remove(fetch.leader)
            guard case .success(let response) = result else { return client.refresh([topic]) { self.pump() } }
            var isFine = response.errorCode == .noError
            for answer in FetchQuestion.answers(response, view: view) {
                client.learnLeader(answer.place, answer.newLeader, answer.newLeaderEpoch)
                guard let wanted = fetch.wanted.first(where: { $0.place == answer.place }) else { continue }
                isFine = take(answer, wanted, view) && isFine
            }
            if isFine { pump() } else { client.refresh([topic]) { self.pump() } }
        }
    }

    private func take(
        _ answer: FetchQuestion.Answer, _ wanted: ConsumerPositions.Wanted, _ view: ClientCore.ClusterView
    ) -> Bool {
        guard let id = view.topics[answer.place.topic]?.id else { return false }
        let partition = TopicPartitionID(id, answer.place.partition)
        if answer.error == .offsetOutOfRange {
            truth.toldOutOfRange(partition, wanted.offset)
            positions.outOfRange(answer.place, asked: wanted.offset)
        }
        guard answer.error == .noError else { return false }
        guard let bytes = answer.records, !bytes.isEmpty else { return true }
        truth.consumed(partition, bytes, by: client.number)
        guard let decoded = try? BatchCoding.decode(bytes, of: answer.place, from: wanted.offset, skipping: []) else {
            truth.violated("INV-4: client \(client.number) can't read what it was given of \(answer.place)")
            return false
        }
        // What was fetched for a share that it has no more is nobody's.
        guard positions.advance(answer.place, from: wanted.offset, to: decoded.end, lastEpoch: decoded.lastEpoch)
        else { return true }
        history.read(
            decoded.records.map { (offset: $0.offset, value: $0.value?.array ?? []) }, of: answer.place,
            by: client.number)
        groups.process(wanted.offset..<decoded.end, of: answer.place, by: life)
        return true
    }

    private func commitNowAndThen() {
        guard !client.isClosed else { return }
        if !isHeld { commit {} }
        client.loop.schedule(afterMilliseconds: commitMilliseconds) { self.commitNowAndThen() }
    }
}
