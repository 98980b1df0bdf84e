package import ClientCore
package import Primitives
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

    enum Source {
        /// Partitions are divided by the group's coordinator.
        case group(GroupMember)
        /// All partitions of these topics.
        case topics([String])
        /// Partitions named by hand.
        case partitions
    }

    let cluster: ClusterClient
    let options: ConsumerOptions
    var source: Source
    var positions: ConsumerPositions
    var generator: SeededGenerator
    var buffer = RecordBuffer()
    var read = ReadPositions()
    /// Which topics are read, where they are not named; and when they are looked for again.
    let matching: (@Sendable (String) -> Bool)?
    var nextLook: MonotonicInstant?
    var busy: Set<BrokerID> = []
    var coordinator: BrokerID?
    var failure: ClientError?
    private var waiter: CheckedContinuation<Void, Never>?
    private var hasNews = false
    var isClosed = false
    var isWorking = false
    var nextCommit: MonotonicInstant?
    var failedAttempts = 0
    var rebalanceTime = RebalanceTime()
    /// What was assigned of topics whose names are not known yet.
    var unnamedShares: [ConsumerMembership.Share] = []

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
        self.cluster = cluster
        self.options = options
        self.matching = matching
        positions = ConsumerPositions(resetPolicy: options.resetPolicy)
        var generator = cluster.runtime.generator()
        source = .group(Consumer.member(of: group, topics, options, using: &generator))
        self.generator = generator
    }

    private static func member(
        of group: String, _ topics: [String], _ options: ConsumerOptions, using generator: inout SeededGenerator
    ) -> GroupMember {
        switch options.groupProtocol {
        case .classic:
            var settings = GroupMembership.Settings(
                groupID: group, topics: topics, instanceID: options.groupInstanceID)
            settings.sessionTimeoutMilliseconds = options.sessionTimeoutMilliseconds
            settings.heartbeatIntervalMilliseconds = options.heartbeatIntervalMilliseconds
            return .classic(GroupMembership(settings: settings))
        case .consumer(let assignor):
            var settings = ConsumerMembership.Settings(
                groupID: group, memberID: UUID128.random(using: &generator).description, topics: topics,
                instanceID: options.groupInstanceID)
            settings.assignor = assignor
            return .consumer(ConsumerMembership(settings: settings))
        }
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

    /// The offset behind all records that were handed out, and behind what is no record for readers; nil where that is
    /// not known, as something that came waits to be read.
    package func readPosition(of place: TopicPartition) -> Offset? {
        guard buffer.isEmpty, case .at(let offset, _)? = positions.state(of: place) else { return nil }
        return offset
    }

    /// How long the group has left this consumer without partitions, all together.
    package var rebalanceMilliseconds: Int64 { rebalanceTime.milliseconds(now: cluster.runtime.clock.now) }

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
        guard case .group(let member) = source, let coordinator else { return }
        let positions = read.uncommitted
        guard !positions.isEmpty else { return }
        let request = member.commit(positions)
        let response = try await cluster.send(
            request, to: .broker(coordinator), upTo: CommittedOffsets.versionMax)
        let error = CommittedOffsets.error(response)
        guard error == .noError else { throw ClientError(code: error) }
        read.committed(positions)
    }

    /// Commits what was read, leaves the group and closes the connections.
    public func close() async {
        guard !isClosed else { return }
        isClosed = true
        if options.commitsAutomatically { try? await commit() }
        await leaveGroup()
        cluster.close()
        wake()
    }

    // MARK: buffer and waiting

    private func takeBuffered() -> FetchedRecord? {
        guard let record = buffer.take() else { return nil }
        read.handedOut(record)
        return record
    }

    func wake() {
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
}
