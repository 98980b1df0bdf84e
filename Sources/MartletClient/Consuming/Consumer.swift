import ClientCore
import Primitives
import WireMessages
import World

/// Reads records of topics, alone or as a member of a group.
///
/// ```swift
/// let configuration = ClientConfiguration(bootstrapServers: "localhost:9092")
/// let consumer = try Consumer(configuration, topics: ["orders"], group: "billing")
/// for try await record in consumer { print(record.offset) }
/// ```
///
/// Leaving the loop leaves the consumer as it is: it can be read from again, until `close`.
public actor Consumer: AsyncSequence {
    public typealias Element = ConsumedRecord

    /// Asks its consumer for one record after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let consumer: Consumer

        public mutating func next() async throws(ClientError) -> ConsumedRecord? { try await consumer.next() }
    }

    private enum Source {
        /// Partitions are divided by the group's coordinator.
        case group(GroupMembership)
        /// All partitions of these topics.
        case topics([String])
        /// Partitions named by hand.
        case partitions
    }

    private let cluster: ClusterClient
    private let options: ConsumerOptions
    private var source: Source
    private var positions: ConsumerPositions
    private var generator: SeededGenerator
    /// Records that were fetched and not read, by the order of their arrival.
    private var buffer: [FetchedRecord] = []
    private var bufferIndex = 0
    /// Positions behind the last record that was handed out: what is committed.
    private var readUpTo: [TopicPartition: CommittedOffsets.Position] = [:]
    private var committedUpTo: [TopicPartition: CommittedOffsets.Position] = [:]
    /// Where reading started in each partition that has no committed position.
    private var startedAt: [TopicPartition: CommittedOffsets.Position] = [:]
    /// Where reading stood in partitions that were given back: they go on there if nothing was committed for them.
    private var leftAt: [TopicPartition: CommittedOffsets.Position] = [:]
    /// Which topics are read, where they are not named; and when they are looked for again.
    private let matching: (@Sendable (String) -> Bool)?
    private var nextLook: MonotonicInstant?
    private var busy: Set<BrokerID> = []
    private var coordinator: BrokerID?
    private var failure: ClientError?
    private var waiter: CheckedContinuation<Void, Never>?
    private var hasNews = false
    private var isClosed = false
    private var isWorking = false
    private var nextCommit: MonotonicInstant?
    private var failedAttempts = 0
    /// Since when there are no partitions, and how long that was so before.
    private var joiningSince: MonotonicInstant?
    private var joinedAfterMilliseconds: Int64 = 0

    /// A member of a group that reads these topics.
    public init(
        _ configuration: ClientConfiguration, topics: [String], group: String,
        _ options: ConsumerOptions = ConsumerOptions()
    ) throws(ClientError) {
        try self.init(configuration, topics: topics, matching: nil, group: group, options)
    }

    /// A member of a group that reads all topics whose names match, those included that are made later; internal topics
    /// are left out. They are looked for every `metadataAgeMillisecondsMax`.
    public init(
        _ configuration: ClientConfiguration, topicsMatching matching: @escaping @Sendable (String) -> Bool,
        group: String, _ options: ConsumerOptions = ConsumerOptions()
    ) throws(ClientError) {
        try self.init(configuration, topics: [], matching: matching, group: group, options)
    }

    private init(
        _ configuration: ClientConfiguration, topics: [String], matching: (@Sendable (String) -> Bool)?, group: String,
        _ options: ConsumerOptions
    ) throws(ClientError) {
        guard !group.isEmpty else { throw ClientError(.invalid, "A group needs a name") }
        let cluster = try ClusterClient(configuration)
        var settings = GroupMembership.Settings(groupID: group, topics: topics, instanceID: options.groupInstanceID)
        settings.sessionTimeoutMilliseconds = options.sessionTimeoutMilliseconds
        settings.heartbeatIntervalMilliseconds = options.heartbeatIntervalMilliseconds
        self.cluster = cluster
        self.options = options
        self.matching = matching
        source = .group(GroupMembership(settings: settings))
        positions = ConsumerPositions(resetPolicy: options.resetPolicy)
        generator = cluster.runtime.generator()
    }

    /// A reader of all partitions of these topics, without a group.
    public init(
        _ configuration: ClientConfiguration, topics: [String], _ options: ConsumerOptions = ConsumerOptions()
    ) throws(ClientError) {
        let cluster = try ClusterClient(configuration)
        self.cluster = cluster
        self.options = options
        matching = nil
        source = .topics(topics)
        positions = ConsumerPositions(resetPolicy: options.resetPolicy)
        generator = cluster.runtime.generator()
    }

    /// A reader of one partition, without a group.
    public init(
        _ configuration: ClientConfiguration, topic: String, partition: Int32, from start: ConsumerOptions.ManualStart,
        _ options: ConsumerOptions = ConsumerOptions()
    ) throws(ClientError) {
        let cluster = try ClusterClient(configuration)
        self.cluster = cluster
        self.options = options
        matching = nil
        source = .partitions
        positions = ConsumerPositions(resetPolicy: options.resetPolicy)
        generator = cluster.runtime.generator()
        let state: ConsumerPositions.State =
            switch start {
            case .earliest: .needsReset(.earliest)
            case .latest: .needsReset(.latest)
            case .offset(let offset): .at(Offset(offset), lastEpoch: nil)
            }
        positions.assign([TopicPartition(topic, PartitionIndex(partition))], startingAt: state)
    }

    public nonisolated func makeAsyncIterator() -> AsyncIterator { AsyncIterator(consumer: self) }

    /// The next record; nil after `close`.
    public func next() async throws(ClientError) -> ConsumedRecord? {
        while true {
            if let record = takeBuffered() { return ConsumedRecord(record) }
            if isClosed { return nil }
            if let failure { throw failure }
            start()
            await news()
        }
    }

    /// The next record, or nil when none came within the time.
    public func next(timeoutMilliseconds: Int64) async throws(ClientError) -> ConsumedRecord? {
        let end = cluster.runtime.clock.now.advanced(byMilliseconds: timeoutMilliseconds)
        while true {
            if let record = takeBuffered() { return ConsumedRecord(record) }
            if isClosed { return nil }
            if let failure { throw failure }
            let left = end.milliseconds(since: cluster.runtime.clock.now)
            guard left > 0 else { return nil }
            start()
            let timer = cluster.runtime.loop.schedule(afterMilliseconds: left) { Task { await self.wake() } }
            await news()
            timer.cancel()
        }
    }

    /// What has come, up to a number of records; empty when none came within the time.
    public func poll(
        recordsMax: Int = 500, timeoutMilliseconds: Int64
    ) async throws(ClientError) -> [ConsumedRecord] {
        guard recordsMax > 0, let first = try await next(timeoutMilliseconds: timeoutMilliseconds) else { return [] }
        var records = [first]
        while records.count < recordsMax, let record = takeBuffered() { records.append(ConsumedRecord(record)) }
        return records
    }

    /// How long the group has left this consumer without partitions, all together.
    package var rebalanceMilliseconds: Int64 {
        let now = cluster.runtime.clock.now
        return joinedAfterMilliseconds + (joiningSince.map { now.milliseconds(since: $0) } ?? 0)
    }

    /// Waits until it is known where reading begins in every partition: what is written from then on is read.
    package func awaitPositions(timeoutMilliseconds: Int64) async throws(ClientError) {
        let end = cluster.runtime.clock.now.advanced(byMilliseconds: timeoutMilliseconds)
        while true {
            if let failure { throw failure }
            let states = positions.assigned.map { positions.state(of: $0) }
            let isSettled = states.allSatisfy { if case .at = $0 { true } else { false } }
            if !states.isEmpty, isSettled { return }
            guard cluster.runtime.clock.now < end else {
                throw ClientError(.timeout, "No positions within \(timeoutMilliseconds) ms")
            }
            start()
            await cluster.runtime.sleep(milliseconds: Consumer.idleMilliseconds)
        }
    }

    /// Commits what was read in the name of the group.
    public func commit() async throws(ClientError) {
        guard case .group(let membership) = source, let coordinator else { return }
        let positions = readUpTo.filter { committedUpTo[$0.key] != $0.value }
        guard !positions.isEmpty else { return }
        let request = CommittedOffsets.commit(
            group: membership.settings.groupID, memberID: membership.memberID, generation: membership.generation,
            instanceID: membership.settings.instanceID, positions)
        let response = try await cluster.send(
            request, to: .broker(coordinator), upTo: CommittedOffsets.versionMax)
        let error = CommittedOffsets.error(response)
        guard error == .noError else { throw ClientError(code: error) }
        committedUpTo.merge(positions) { _, new in new }
    }

    /// Commits what was read, leaves the group and closes the connections.
    public func close() async {
        guard !isClosed else { return }
        isClosed = true
        if options.commitsAutomatically { try? await commit() }
        if case .group(let membership) = source, let coordinator, let request = membership.leaveRequest() {
            _ = try? await cluster.send(request, to: .broker(coordinator), timeoutMilliseconds: 5_000)
        }
        cluster.close()
        wake()
    }

    // MARK: buffer and waiting

    private func takeBuffered() -> FetchedRecord? {
        guard bufferIndex < buffer.count else {
            buffer.removeAll(keepingCapacity: true)
            bufferIndex = 0
            return nil
        }
        let record = buffer[bufferIndex]
        bufferIndex += 1
        readUpTo[record.place] = CommittedOffsets.Position(offset: record.offset + 1, leaderEpoch: record.leaderEpoch)
        return record
    }

    private func wake() {
        hasNews = true
        waiter?.resume()
        waiter = nil
    }

    private func news() async {
        if hasNews {
            hasNews = false
            return
        }
        await withCheckedContinuation { waiter = $0 }
        hasNews = false
    }

    private func dropBuffered(of places: [TopicPartition]) {
        buffer = buffer[bufferIndex...].filter { !places.contains($0.place) }
        bufferIndex = 0
    }

    // MARK: work in the background

    /// Starts the loop that keeps the membership and the fetches going; it ends with the consumer.
    private func start() {
        guard !isWorking else { return }
        isWorking = true
        if case .group = source, joiningSince == nil, positions.assigned.isEmpty {
            joiningSince = cluster.runtime.clock.now
        }
        Task {
            while !isClosed, failure == nil { await work() }
            isWorking = false
            wake()
        }
    }

    private static let idleMilliseconds: Int64 = 20

    /// One round: the group, then positions, then fetches from all leaders that are not asked already.
    private func work() async {
        do throws(ClientError) {
            try await followTopics()
            try await tendGroup()
            try await assignTopics()
            try await findPositions()
            try await fetchAll()
            try await commitIfDue()
            failedAttempts = 0
        } catch {
            guard error.isRetriable, !isClosed else {
                if !isClosed { failure = error }
                return
            }
            if error.kind == .connection, failedAttempts > Consumer.failedAttemptsMax { failure = error }
            failedAttempts += 1
            _ = try? await cluster.refresh(topics: topics)
            await cluster.runtime.sleep(milliseconds: cluster.backoff(after: failedAttempts))
            return
        }
        await cluster.runtime.sleep(milliseconds: Consumer.idleMilliseconds)
    }

    /// Rounds in a row in which no broker can be reached, before the reader is told.
    private static let failedAttemptsMax = 30

    private var topics: [String] {
        switch source {
        case .group(let membership): membership.settings.topics
        case .topics(let topics): topics
        case .partitions: Set(positions.assigned.map(\.topic)).sorted()
        }
    }

    private func assignTopics() async throws(ClientError) {
        switch source {
        case .group: return
        case .partitions:
            for topic in topics where cluster.view.topics[topic] == nil {
                try await cluster.awaitTopic(topic, allowsCreation: false)
            }
        case .topics(let topics):
            guard positions.assigned.isEmpty else { return }
            for topic in topics { try await cluster.awaitTopic(topic, allowsCreation: true) }
            let view = cluster.view
            let places = topics.flatMap { topic in
                (view.topics[topic]?.partitions ?? []).map { TopicPartition(topic, $0.index) }
            }
            positions.assign(places, startingAt: .needsReset(options.resetPolicy))
        }
    }

    private func findPositions() async throws(ClientError) {
        if case .group(let membership) = source, let coordinator, !positions.needingCommitted.isEmpty {
            let asked = positions.needingCommitted
            let request = CommittedOffsets.request(group: membership.settings.groupID, places: asked)
            let response = try await cluster.send(
                request, to: .broker(coordinator), upTo: CommittedOffsets.versionMax)
            let answer = CommittedOffsets.answer(response)
            guard answer.error == .noError else { throw ClientError(code: answer.error) }
            for place in asked {
                let position = answer.offsets[place]
                let known = position ?? leftAt[place]
                positions.committed(place, known?.offset, epoch: known?.leaderEpoch)
            }
        }
        for policy in [ConsumerPositions.ResetPolicy.earliest, .latest] {
            let places = positions.needingReset.filter { $0.policy == policy }.map(\.place)
            guard !places.isEmpty else { continue }
            let found = try await Admin(cluster).offsets(of: places, at: policy == .earliest ? .earliest : .latest)
            for (place, offset) in found {
                positions.set(place, .at(offset, lastEpoch: nil))
                startedAt[place] = CommittedOffsets.Position(offset: offset, leaderEpoch: nil)
            }
        }
    }

    private func commitIfDue() async throws(ClientError) {
        guard options.commitsAutomatically, case .group = source else { return }
        let now = cluster.runtime.clock.now
        if let nextCommit, now < nextCommit { return }
        nextCommit = now.advanced(byMilliseconds: options.autoCommitMilliseconds)
        try await commit()
    }

    // MARK: fetching

    /// Records that may wait unread before fetching pauses.
    private static let bufferedRecordsMax = 50_000

    private func fetchAll() async throws(ClientError) {
        guard buffer.count - bufferIndex < Consumer.bufferedRecordsMax else { return }
        let view = cluster.view
        let plan = positions.plan(view: view, busy: busy)
        for fetch in plan.fetches {
            busy.insert(fetch.leader)
            Task { await self.fetch(fetch, view) }
        }
        if !plan.leaderless.isEmpty {
            try await cluster.refresh(topics: plan.leaderless)
            await cluster.runtime.sleep(milliseconds: cluster.backoff(after: 0))
        }
    }

    private func fetch(_ fetch: ConsumerPositions.Fetch, _ view: ClusterView) async {
        let request = FetchQuestion.request(fetch.wanted, limits: options.fetchLimits, view: view)
        do throws(ClientError) {
            let response = try await cluster.send(request, to: .broker(fetch.leader))
            guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
            var isStale = false
            for answer in FetchQuestion.answers(response, view: view) {
                guard let want = fetch.wanted.first(where: { $0.place == answer.place }) else { continue }
                isStale = try take(answer, asked: want.offset) || isStale
            }
            busy.remove(fetch.leader)
            if isStale { _ = try? await cluster.refresh(topics: topics) }
        } catch {
            if error.isRetriable {
                _ = try? await cluster.refresh(topics: topics)
                await cluster.runtime.sleep(milliseconds: cluster.backoff(after: 0))
            } else if !isClosed {
                failure = error
            }
            busy.remove(fetch.leader)
        }
        wake()
        // The next fetch starts at once, not with the next round of `work`.
        if !isClosed, failure == nil { try? await fetchAll() }
    }

    /// Takes one partition's answer in; true if what is known of its leader is out of date.
    private func take(_ answer: FetchQuestion.Answer, asked: Offset) throws(ClientError) -> Bool {
        switch answer.error {
        case .noError: break
        case .offsetOutOfRange:
            positions.outOfRange(answer.place, asked: asked)
            return false
        case _ where answer.error.isRetriable, .unknownLeaderEpoch, .fencedLeaderEpoch, .unknownTopicID:
            if let leader = answer.newLeader, let epoch = answer.newLeaderEpoch {
                cluster.learnLeader(answer.place, leader: leader, epoch: epoch)
            }
            return true
        default: throw ClientError(code: answer.error)
        }
        guard let bytes = answer.records, !bytes.isEmpty else { return false }
        let decoded: BatchCoding.Decoded
        do { decoded = try BatchCoding.decode(bytes, of: answer.place, from: asked, skipping: answer.aborted) } catch {
            throw ClientError(.connection, "Records of \(answer.place) at offset \(asked) can't be read: \(error)")
        }
        if positions.advance(answer.place, from: asked, to: decoded.end, lastEpoch: decoded.lastEpoch) {
            buffer += decoded.records
        }
        return false
    }

    // MARK: the group

    /// How often topics are looked for that do not exist yet, or could not be joined for.
    private static let missingTopicMilliseconds: Int64 = 1_000

    /// Looks from time to time for topics that came or went, and for partitions that were added.
    private func followTopics() async throws(ClientError) {
        guard case .group(let membership) = source else { return }
        let now = cluster.runtime.clock.now
        guard now >= nextLook ?? now else { return }
        guard matching != nil || nextLook != nil else {
            // What is named is learned when it is divided.
            nextLook = now.advanced(byMilliseconds: Consumer.missingTopicMilliseconds)
            return
        }
        nextLook = now.advanced(byMilliseconds: cluster.configuration.metadataAgeMillisecondsMax)
        try await cluster.refresh(topics: matching == nil ? membership.settings.topics : nil)
        let known = cluster.view.topics
        var isUnsettled = false
        if let matching {
            let wanted = cluster.view.topicNames.filter { known[$0]?.isInternal == false && matching($0) }
            let changes = changing { $0.subscribe(to: wanted) }
            isUnsettled = changes == nil || wanted.isEmpty
            await apply(changes ?? [])
        }
        await apply(changing { $0.seen(known.mapValues(\.partitions.count)) })
        if isUnsettled || topics.contains(where: { known[$0] == nil }) {
            nextLook = now.advanced(byMilliseconds: Consumer.missingTopicMilliseconds)
        }
    }

    /// Does what the membership asks for next, until it waits for time to pass.
    private func tendGroup() async throws(ClientError) {
        if matching != nil, topics.isEmpty { return }
        while !isClosed, case .group(var membership) = source {
            let effect = membership.advance(now: cluster.runtime.clock.now)
            source = .group(membership)
            guard let effect else { return }
            try await perform(effect)
        }
    }

    private func perform(_ effect: GroupMembership.Effect) async throws(ClientError) {
        do throws(ClientError) {
            switch effect {
            case .findCoordinator:
                coordinator = try await Admin(cluster).coordinator(of: groupID)
                change { $0.coordinatorFound() }
            case .join(let request):
                let wait = Int64(request.rebalanceTimeoutMilliseconds) + 5_000
                let response = try await cluster.send(request, to: try target(), timeoutMilliseconds: wait)
                await apply { $0.answered(response, now: $1, using: &$2) }
            case .countPartitions(let topics):
                _ = try await cluster.refresh(topics: topics, allowsCreation: true)
                let view = cluster.view
                change { $0.counted(view.topics.mapValues { $0.partitions.count }) }
            case .sync(let request):
                let wait = cluster.configuration.requestTimeoutMilliseconds
                let response = try await cluster.send(request, to: try target(), timeoutMilliseconds: wait)
                await apply { $0.answered(response, now: $1, using: &$2) }
            case .heartbeat(let request):
                let response = try await cluster.send(request, to: try target())
                await apply { $0.answered(response, now: $1, using: &$2) }
            }
        } catch {
            if error.isRetriable {
                let now = cluster.runtime.clock.now
                change { $0.unanswered(now: now, using: &self.generator) }
                _ = try? await cluster.refresh(topics: topics)
            } else {
                throw error
            }
        }
    }

    private var groupID: String {
        if case .group(let membership) = source { membership.settings.groupID } else { "" }
    }

    private func target() throws(ClientError) -> ClusterClient.Target {
        guard let coordinator else { throw ClientError(code: .coordinatorNotAvailable) }
        return .broker(coordinator)
    }

    private func change(_ work: (inout GroupMembership) -> Void) {
        guard case .group(var membership) = source else { return }
        work(&membership)
        source = .group(membership)
    }

    private func changing<Changes>(_ work: (inout GroupMembership) -> Changes) -> Changes {
        guard case .group(var membership) = source else { preconditionFailure("only a member of a group changes") }
        defer { source = .group(membership) }
        return work(&membership)
    }

    private func apply(
        _ work: (inout GroupMembership, MonotonicInstant, inout SeededGenerator) -> [GroupMembership.Change]
    ) async {
        guard case .group(var membership) = source else { return }
        let changes = work(&membership, cluster.runtime.clock.now, &generator)
        source = .group(membership)
        await apply(changes)
    }

    private func apply(_ changes: [GroupMembership.Change]) async {
        for change in changes {
            switch change {
            case .assigned(let places):
                _ = try? await cluster.refresh(topics: topics)
                positions.assign(places, startingAt: .needsCommitted)
                joinedAfterMilliseconds = rebalanceMilliseconds
                joiningSince = nil
            case .revoked(let places):
                dropBuffered(of: places)
                if options.commitsAutomatically { try? await commit() }
                forget(places)
            case .lost(let places):
                dropBuffered(of: places)
                forget(places)
            case .refused(let code): failure = ClientError(code: code)
            }
        }
    }

    private func forget(_ places: [TopicPartition]) {
        joiningSince = joiningSince ?? cluster.runtime.clock.now
        positions.assign([], startingAt: .needsCommitted)
        for place in places {
            leftAt[place] = readUpTo[place] ?? startedAt[place] ?? leftAt[place]
            readUpTo[place] = nil
            committedUpTo[place] = nil
        }
    }
}
