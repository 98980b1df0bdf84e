package import Logging
package import Metadata
package import Primitives
import Replication
import Synchronization
package import World

/// Every partition that has a replica on this broker; follows the metadata and answers look-ups from any thread.
package final class PartitionTable: MetadataSubscriber, Sendable {
    private struct Index {
        var byTopic: [TopicID: [PartitionIndex: Partition]] = [:]
        /// All of them in order, until one comes or goes: every chore walks through them, many each second.
        var inOrder: [Partition]?
        /// Only topics with a replica here.
        var idsByName: [String: TopicID] = [:]
    }

    let services: PartitionServices
    package let directories: DataDirectories
    package var traffic: TrafficLedger { services.traffic }
    private let index = Mutex(Index())
    let cache: MetadataCache
    let settings: DynamicSettings
    let storing: ReplicaStorage
    /// Moves between log directories.
    let moves: ReplicaMoves
    /// Replicas whose place only the newest metadata can tell; nil once it is known.
    let awaiting: Mutex<Set<TopicPartitionID>?>
    /// For each log directory.
    private let disk: [String: DirectoryLanes]
    let log: Logger

    /// - Parameter isSettled: false where the metadata of a start is still to come, up to `metadataIsSettled`.
    package init(
        services: PartitionServices, directories: DataDirectories, cache: MetadataCache, settings: DynamicSettings,
        world: World, log: Logger, isSettled: Bool = true
    ) {
        self.services = services
        self.directories = directories
        self.cache = cache
        self.settings = settings
        self.log = log
        let width = Int(settings.fixed.integer("num.recovery.threads.per.data.dir"))
        var disk: [String: DirectoryLanes] = [:]
        for directory in directories.all {
            disk[directory.path] = DirectoryLanes(
                pool: NarrowPool(services.disks[directory.path].pool, width: width))
        }
        self.disk = disk
        storing = ReplicaStorage(services: services, directories: directories, randomness: world.randomness, log: log)
        moves = ReplicaMoves(
            directories: directories, services: services, cache: cache, settings: settings,
            randomness: world.randomness, log: log)
        awaiting = Mutex(isSettled ? nil : [])
        services.damageDesk.serve(self)
        services.disks.whenTurned { path, turn in
            switch turn {
            case .slow:
                log.warning(
                    "a log directory is slow to write: its partitions are written by threads of its own",
                    metadata: ["directory": "\(path)", "slowMilliseconds": "\(WritePace.slowMilliseconds)"])
            case .fast: log.info("a log directory is fast to write again", metadata: ["directory": "\(path)"])
            }
        }
        services.throttles.configure(settings.current)
        settings.subscribe { [weak self] settings in
            services.throttles.configure(settings)
            self?.configureAll()
        }
    }

    // MARK: look-ups

    /// The replica here, by the topic's id.
    package func partition(_ topic: TopicID, _ number: PartitionIndex) -> Partition? {
        index.withLock { $0.byTopic[topic]?[number] }
    }

    /// The replica here, by the topic's name.
    package func partition(_ topic: String, _ number: PartitionIndex) -> Partition? {
        index.withLock { index in index.idsByName[topic].flatMap { index.byTopic[$0]?[number] } }
    }

    /// Whether the cluster has the partition, here or elsewhere.
    package func knows(_ topic: TopicID, _ number: PartitionIndex) -> Bool {
        cache.current.topics[topic]?[number] != nil
    }

    /// The same by name.
    package func knows(_ topic: String, _ number: PartitionIndex) -> Bool {
        cache.current.topics[name: topic]?[number] != nil
    }

    /// Where clients of a listener reach a broker.
    package func endpoint(of broker: BrokerID, listener: String) -> Endpoint? {
        cache.current.brokers[broker]?.listener(named: listener).map { Endpoint(host: $0.host, port: Int($0.port)) }
    }

    /// The rack of a broker.
    func rack(of broker: BrokerID) -> String? { cache.current.brokers[broker]?.rack }

    /// The other replicas of a partition that live in `rack`; none where this broker is in it too.
    func others(of partition: Partition, inRack rack: String, reachedBy listener: String) -> [BrokerID] {
        let image = cache.current
        guard let registration = image.topics[partition.id] else { return [] }
        let near = registration.replicas.filter { id in
            image.brokers[id].map { $0.isActive && $0.rack == rack && $0.listener(named: listener) != nil } ?? false
        }
        return near.contains(services.me) ? [] : near
    }

    /// Whether there is no replica here.
    package var isEmpty: Bool { index.withLock { $0.byTopic.isEmpty } }

    /// All replicas here, ordered by topic name and number.
    package var all: [Partition] {
        index.withLock { index in
            if let known = index.inOrder { return known }
            let sorted = index.byTopic.values.flatMap { $0.values }
                .sorted { ($0.topicName, $0.id.index) < ($1.topicName, $1.id.index) }
            index.inOrder = sorted
            return sorted
        }
    }

    // MARK: metadata

    package func metadataPublished(_ image: MetadataImage, delta: MetadataDelta) {
        for topic in delta.deletedTopics { removeAll(of: topic) }
        for id in delta.changedPartitions { follow(id, image) }
        if !delta.changedBrokers.isEmpty { brokersChanged(delta.changedBrokers, image) }
        for resource in delta.changedConfigs where resource.kind == .topic { configure(resource.name, image) }
    }

    func follow(_ id: TopicPartitionID, _ image: MetadataImage) {
        guard let topic = image.topics[id.topic], let registration = topic[id.index] else { return }
        let isMine = registration.replicas.contains(services.me)
        guard let partition = partition(id.topic, id.index) else {
            if isMine { create(id, topic, registration, image) }
            return
        }
        guard isMine else { return isPutOff(id) ? () : remove(partition, .notLeaderOrFollower) }
        if partition.damage == nil { tellDirectory(of: partition, registration) }
        let assignment = assignment(registration, image)
        let (me, now) = (services.me, services.clock.now)
        let former = partition.step { state, after in
            defer { state.assign(assignment, me: me, now: now, &after) }
            return state.assignment
        }
        if assignment.leader == me, former.leaderEpoch == assignment.leaderEpoch {
            traffic.inSyncChanged(from: former.inSync, to: assignment.inSync)
        }
        attend(partition, registration, image)
    }

    /// What made an earlier life of this broker leader is void for this one: only metadata that has this life's own
    /// registration can make it one. A start that applies old metadata would else serve, and acknowledge, as a leader
    /// of long ago.
    private func assignment(_ registration: PartitionRegistration, _ image: MetadataImage) -> PartitionAssignment {
        var assignment = PartitionAssignment(registration)
        let isOfThisLife = image.brokers[services.me].map { $0.epoch == services.isrChanges.brokerEpoch } ?? false
        if assignment.leader == services.me, !isOfThisLife { assignment.leader = nil }
        return assignment
    }

    private func create(
        _ id: TopicPartitionID, _ topic: TopicImage, _ registration: PartitionRegistration, _ image: MetadataImage
    ) {
        guard let place = place(of: id, topic, registration) else { return }
        let partition = Partition(
            id: id, topicName: topic.name, logDirectory: place.directory, services: services,
            settings: TopicSettings(settings.current).resolve(topic.name, image.configs)
                .own(of: id, on: services.me),
            assignment: assignment(registration, image), lives: BrokerLife.all(in: image),
            checkpointedHighWatermark: place.highWatermark)
        index.withLock { index in
            index.inOrder = nil
            index.byTopic[id.topic, default: [:]][id.index] = partition
            index.idsByName[topic.name] = id.topic
        }
        tellDirectory(of: partition, registration)
        lanes(of: partition).run(partition.directory) { self.storing.open(partition, place) }
        if let copy = place.copy { moves.resume(partition, copy) }
    }

    /// Tells the controller where a replica lies, as long as the metadata says otherwise.
    private func tellDirectory(of partition: Partition, _ registration: PartitionRegistration) {
        guard let directory = directories.id(of: moves.declaredDirectory(of: partition)) else { return }
        let isTold = registration.directory(of: services.me) == directory
        services.directoryAssignments?.replica(partition.id, liesIn: isTold ? nil : directory)
    }

    func lanes(of partition: Partition) -> DirectoryLanes {
        guard let lanes = disk[partition.logDirectory] else { preconditionFailure("a replica in no log directory") }
        return lanes
    }

    private func brokersChanged(_ ids: [BrokerID], _ image: MetadataImage) {
        let lives = BrokerLife.all(in: image)
        let now = services.clock.now
        for partition in all {
            partition.step { state, after in
                state.lives = lives
                for id in ids { state.lead(now: now, &after) { $0.brokerChanged(id, lives[id], now: now) } }
            }
        }
    }

    private func configure(_ topic: String, _ image: MetadataImage) {
        let resolved = TopicSettings(settings.current).resolve(topic, image.configs)
        let mine = index.withLock { index in
            index.idsByName[topic].flatMap { index.byTopic[$0] }?.sorted { $0.key < $1.key }.map(\.value) ?? []
        }
        for partition in mine { configure(partition, resolved) }
        if !mine.isEmpty { tellOfIdleConfigs(topic, image) }
    }

    /// Nobody shall believe that a setting acts which does not.
    private func tellOfIdleConfigs(_ topic: String, _ image: MetadataImage) {
        for key in image.configs[.topic(topic)].keys.sorted() {
            guard let absence = TopicAbsences.absence(of: key) else { continue }
            log.warning(
                "a topic's setting does not act",
                metadata: ["topic": "\(topic)", "key": "\(key)", "reason": "\(absence.sentence)"])
        }
    }

    /// The node's own settings changed: every topic that does not set them follows.
    private func configureAll() {
        let (resolver, configs) = (TopicSettings(settings.current), cache.current.configs)
        var resolved: [String: PartitionSettings] = [:]
        for partition in all {
            let next = resolved[partition.topicName] ?? resolver.resolve(partition.topicName, configs)
            resolved[partition.topicName] = next
            configure(partition, next)
        }
    }

    private func configure(_ partition: Partition, _ settings: PartitionSettings) {
        let settings = settings.own(of: partition.id, on: services.me)
        guard partition.settings != settings else { return }
        let now = services.clock.now
        partition.step { state, after in state.configure(settings, now: now, &after) }
    }

    // MARK: removal

    private func removeAll(of topic: TopicImage) {
        for number in topic.partitions.indices {
            if let partition = partition(topic.id, PartitionIndex(Int32(number))) {
                remove(partition, .unknownTopicOrPartition)
            }
        }
    }

    /// The replica is not to be here any more: nobody waits for it, its files go.
    ///
    /// - Parameter reason: what those are told who waited.
    private func remove(_ partition: Partition, _ reason: ErrorCode) {
        let topic = partition.id.topic
        index.withLock { index in
            index.inOrder = nil
            index.byTopic[topic]?[partition.id.index] = nil
            guard index.byTopic[topic]?.isEmpty ?? true else { return }
            index.byTopic[topic] = nil
            if index.idsByName[partition.topicName] == topic { index.idsByName[partition.topicName] = nil }
            if index.idsByName[partition.topicName] == nil { traffic.forget(partition.topicName) }
        }
        partition.close(reason)
        services.followers.unfollow(partition)
        services.directoryAssignments?.replica(partition.id, liesIn: nil)
        lanes(of: partition).run(partition.directory) { self.storing.discard(partition) }
    }

    /// Renames what no metadata mentions, and removes what a crash left of removed replicas; to be called once the
    /// metadata of the start is applied. Blocks: for the pool.
    package func setAsideStrays() {
        storing.setAsideStrays()
        storing.removeLeftovers()
    }

    /// A log directory failed: every replica in it goes offline.
    package func directoryFailed(_ path: String, reason: String) {
        guard directories.takeOffline(path, reason: reason) else { return }
        log.error("log directory is offline", metadata: ["directory": "\(path)", "reason": "\(reason)"])
        for partition in all where partition.logDirectory == path {
            partition.step { state, after in state.goOffline(reason, &after) }
        }
    }
}

extension PartitionAssignment {
    /// The part of a registration that replicas need.
    init(_ registration: PartitionRegistration) {
        self.init(
            leader: registration.leader, leaderEpoch: registration.leaderEpoch,
            partitionEpoch: registration.partitionEpoch, replicas: registration.replicas, inSync: registration.isr)
    }
}

extension BrokerLife {
    /// Every registered broker's present life.
    static func all(in image: MetadataImage) -> [BrokerID: BrokerLife] {
        var lives: [BrokerID: BrokerLife] = [:]
        for broker in image.brokers.sorted {
            lives[broker.id] = BrokerLife(
                epoch: broker.epoch, isFenced: broker.isFenced, isShuttingDown: broker.isInControlledShutdown)
        }
        return lives
    }
}
