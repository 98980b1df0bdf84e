import Controller
import Coordinators
import Logging
import LogStorage
import Metadata
import Primitives
import Replication
import Synchronization
import World

/// The broker of a node: its life at the controller, its partitions, its coordinators and its client listeners.
final class BrokerRoom: Sendable {
    let lifecycle: BrokerLifecycle
    let partitions: PartitionTable
    /// The settings in force.
    let settings: DynamicSettings
    private let groups: GroupCoordinatorHost
    private let transactions: TransactionRoom
    private let fetchers: ReplicaFetchers
    private let upkeep: PartitionUpkeep
    private let cleaner: LogCleaner
    private let scrubber: LogScrubber
    private let space: DiskSpaceWatch
    private let channels: [ControllerChannel]
    private let listeners: [(listener: RequestListener, configuration: ListenerConfiguration)]
    private let doctor: ListenerDoctor
    private let watch: PeerWatch
    private let directories: FormattedDirectories
    private let world: World
    private let log: Logger

    init(
        _ configuration: NodeConfiguration, _ directories: FormattedDirectories, _ found: FoundDirectories,
        quorum: QuorumRoom, world: World, logs: NodeLogs, limits: ClientLimits,
        fatal: @escaping @Sendable (NodeFailure) -> Void
    ) {
        self.world = world
        log = logs[part: .logs]
        self.directories = directories
        let (settings, nodeID, cache) = (configuration.settings, configuration.nodeID, quorum.cache)
        let dynamic = DynamicSettings(settings, node: nodeID, log: log)
        self.settings = dynamic
        let channels = BrokerRoom.channels(of: nodeID, to: quorum.host, world)
        self.channels = channels
        for channel in channels { quorum.plane.follow(channel) }
        let lifecycle = BrokerLifecycle(
            identity: BrokerRoom.identity(configuration, directories, found, quorum),
            timing: BrokerLifecycle.Timing(settings), channel: channels[0], cache: cache, world: world,
            log: logs[part: .brokerLife]
        ) { fatal(NodeFailure($0)) }
        self.lifecycle = lifecycle
        let isrChanges = AlterPartitionSender(
            broker: nodeID, epoch: { lifecycle.epoch }, channel: channels[1], world: world)
        let suspected = SuspectedBrokers(
            cache: cache, listenerName: configuration.interBrokerListenerName,
            hidingMilliseconds: settings.integer("broker.session.timeout.ms"), world: world)
        let fetchers = ReplicaFetchers(
            me: nodeID, settings: settings, interBrokerListener: configuration.interBrokerListenerName,
            brokerEpoch: { lifecycle.epoch }, world: world, log: logs[part: .fetchers],
            leaderLost: { suspected.connectionEnded(to: $0) })
        self.fetchers = fetchers
        dynamic.subscribe { fetchers.resize(Int($0.integer("num.replica.fetchers"))) }
        let failures = LogFailureDesk(lifecycle: lifecycle, fatal: fatal)
        let services = PartitionServices(
            me: nodeID, world: world, isrChanges: isrChanges, followers: fetchers,
            directoryAssignments: DirectoryAssignments(
                broker: nodeID, epoch: { lifecycle.epoch }, channel: channels[1], world: world,
                log: logs[part: .replicas]), contact: lifecycle.contact,
            whenLogFails: { failures.report($0) }, whenHighWatermarkMoves: { _, _ in })
        let partitions = PartitionTable(
            services: services, directories: DataDirectories(found.directories, failed: found.failed), cache: cache,
            settings: dynamic, world: world, log: logs[part: .replicas], isSettled: false)
        self.partitions = partitions
        failures.serve(partitions)
        upkeep = PartitionUpkeep(table: partitions, world: world, settings: settings, log: logs[part: .logs])
        cleaner = LogCleaner(upkeep, table: partitions, world: world, settings: dynamic, log: logs[part: .logs])
        space = DiskSpaceWatch(table: partitions, world: world, settings: dynamic, log: logs[part: .logs])
        scrubber = LogScrubber(table: partitions, world: world, settings: dynamic)
        groups = BrokerRoom.groups(configuration, partitions, cache: cache, world: world, logs: logs)
        transactions = TransactionRoom(
            configuration, partitions, groups,
            ProducerIDSource(broker: nodeID, epoch: { lifecycle.epoch }, channel: channels[1]), cache: cache,
            world: world, log: logs[part: .transactions])
        let table = BrokerRoom.table(
            configuration, quorum: quorum, partitions: partitions, suspected: suspected, groups: groups,
            transactions: transactions.services, channel: channels[2], world: world, logs: logs)
        dynamic.subscribe { settings in
            limits.update(RequestLimits(settings, machineMemoryBytes: world.machineMemoryBytes))
        }
        listeners = BrokerRoom.clientListeners(configuration, table, limits, world: world, logs: logs)
        doctor = ListenerDoctor(configuration, cache: cache, world: world, log: logs[part: .network])
        watch = BrokerRoom.watch(settings, lifecycle, channels[0], suspected, fetchers, partitions, world)
        // Settings come before what they make, addresses before partitions, leadership before coordinators.
        let told: [any MetadataSubscriber] = [dynamic, fetchers, partitions, groups, transactions.host, suspected]
        for subscriber in told + [lifecycle, doctor] { quorum.publisher.subscribe(subscriber) }
        lifecycle.reportRecovery { asked in asked.compactMap { partitions.recoveryReport(on: $0) } }
    }

    private static func channels(of node: BrokerID, to quorum: QuorumHost, _ world: World) -> [ControllerChannel] {
        ["heartbeat", "requests", "admin"].map { purpose in
            ControllerChannel(clientID: "broker-\(node)-\(purpose)", world: world) { quorum.address(of: $0) }
        }
    }

    private static func watch(
        _ settings: Settings, _ lifecycle: BrokerLifecycle, _ channel: ControllerChannel,
        _ suspected: SuspectedBrokers, _ fetchers: ReplicaFetchers, _ partitions: PartitionTable, _ world: World
    ) -> PeerWatch {
        var sources = PeerWatch.Sources()
        sources.unreachedLeaders = { fetchers.unreachedLeaders(now: $0) }
        sources.flushMilliseconds = { now in
            var times: [DirectoryID: Int64] = [:]
            for (path, id) in partitions.directories.online {
                times[id] = partitions.services.disks[path].flushes.slowMilliseconds(now: now)
            }
            return times
        }
        return PeerWatch(
            lifecycle, channel: channel, suspected: suspected, sources: sources,
            lateMilliseconds: settings.integer("replica.fetch.late.ms"),
            heartbeatMilliseconds: settings.integer("broker.heartbeat.interval.ms"),
            heldUpMilliseconds: settings.integer("broker.silence.own.lag.ms"), world: world)
    }

    private static func clientListeners(
        _ configuration: NodeConfiguration, _ table: HandlerTable, _ limits: ClientLimits, world: World, logs: NodeLogs
    ) -> [(listener: RequestListener, configuration: ListenerConfiguration)] {
        // Where clients come in by the same door as nodes, the bounds hold for all.
        let hasDoorForNodes = configuration.clientListeners.count > 1
        return configuration.clientListeners.map { listener in
            let isForNodes = hasDoorForNodes && listener.name == configuration.interBrokerListenerName
            let opened = RequestListener(
                ListenerIdentity(name: listener.name, kind: .client), table: table, limits: limits,
                isExempt: isForNodes, clock: world.clock, log: logs[part: .network], requestLog: RequestLog(logs),
                outside: configuration.outsideClients)
            return (opened, listener)
        }
    }

    /// Why clients are not served now, in words. On the control loop.
    var hindrances: [String] {
        if partitions.isOpening { return ["logs are being opened"] }
        return lifecycle.hindrance.map { [$0] } ?? []
    }

    /// Adds what this room has to report.
    func report(to metrics: MetricsDesk) {
        metrics.add(BrokerLifeMetrics(lifecycle: lifecycle, clock: world.clock), on: .controlLoop)
        metrics.add(PartitionMetrics(table: partitions, files: world.files))
        metrics.add(CleanerMetrics(cleaner: cleaner, clock: world.clock))
        metrics.add(ScrubMetrics(scrubber: scrubber))
        metrics.add(SpaceMetrics(watch: space, table: partitions))
        metrics.add(partitions.traffic)
        metrics.add(GroupMetrics(host: groups, partitions: partitions))
        for (listener, _) in listeners { metrics.add(listener) }
    }

    /// Opens the listeners and registers: the metadata is applied and every log is open. On the control loop.
    func start(whenRunning: @escaping @Sendable () -> Void) throws(NodeFailure) {
        for (listener, configuration) in listeners { try listener.open(configuration, world) }
        upkeep.start()
        partitions.moves.whenMoved { [upkeep] in upkeep.saveAll(of: $0) }
        cleaner.start()
        scrubber.start()
        space.start()
        watch.start()
        lifecycle.start(whenRunning: whenRunning)
        world.pool.run { [partitions] in partitions.setAsideStrays() }
    }

    /// Leaves in order: leadership first, then the listeners, then the logs; `stopped` comes on the control loop.
    func stop(handsOver: Bool, _ stopped: @escaping @Sendable () -> Void) {
        let close: @Sendable () -> Void = { self.close(stopped) }
        handsOver ? lifecycle.leave(whenLeft: close) : close()
    }

    private func close(_ stopped: @escaping @Sendable () -> Void) {
        let epoch = lifecycle.epoch
        lifecycle.stop()
        watch.stop()
        doctor.stop()
        for (listener, _) in listeners { listener.close() }
        upkeep.stop()
        partitions.moves.stop()
        cleaner.stop()
        scrubber.stop()
        space.stop()
        fetchers.shutDown()
        for channel in channels { channel.shutDown() }
        transactions.stop()
        upkeep.closeAll {
            self.markClean($0, epoch)
        } done: {
            self.world.controlLoop.execute(stopped)
        }
    }

    /// The last that a clean stop writes into a directory (rule 17).
    private func markClean(_ directory: String, _ epoch: BrokerEpoch?) {
        guard let epoch else { return }
        do throws(FileError) { try CleanShutdownFile.write(epoch, in: directory, world.files) } catch {
            log.warning("the next start will look into every log", metadata: ["error": "\(error)"])
        }
    }

    private static func identity(
        _ configuration: NodeConfiguration, _ directories: FormattedDirectories, _ found: FoundDirectories,
        _ quorum: QuorumRoom
    ) -> BrokerIdentity {
        var listeners = configuration.advertisedListeners
        if let outside = configuration.outsideClients {
            listeners.append(ListenerConfiguration(name: OutsideClients.listenerName, endpoint: outside.address))
        }
        return BrokerIdentity(
            id: configuration.nodeID, clusterID: directories.clusterID, incarnationID: quorum.incarnationID,
            listeners: listeners.map {
                RegisteredListener(name: $0.name, host: $0.endpoint.host, port: UInt16(clamping: $0.endpoint.port))
            },
            rack: configuration.settings.optionalString("broker.rack"), directories: found.directories.map(\.id),
            cleanlyEndedEpoch: found.cleanlyEndedEpoch, settings: SharedSettings.told(of: configuration.settings))
    }

    private static func groups(
        _ configuration: NodeConfiguration, _ partitions: PartitionTable, cache: MetadataCache, world: World,
        logs: NodeLogs
    ) -> GroupCoordinatorHost {
        GroupCoordinatorHost(
            broker: configuration.nodeID, settings: GroupConfiguration(configuration.settings), clock: world.clock,
            loops: world.loops, pool: world.pool, log: logs[part: .groups], orders: .none
        ) { index in
            partitions.partition(GroupCoordinatorHost.topicName, index).map { partition in
                PartitionCoordinatorLog(partition, loop: world.loops[Int(index.value) % world.loops.count])
            }
        }
    }

    private static func table(
        _ configuration: NodeConfiguration, quorum: QuorumRoom, partitions: PartitionTable,
        suspected: SuspectedBrokers, groups: GroupCoordinatorHost, transactions: TransactionServices,
        channel: ControllerChannel, world: World, logs: NodeLogs
    ) -> HandlerTable {
        let creator = TopicCreator(channel: channel)
        let route = AdminRoute(forwarder: RequestForwarder(channel: channel), controller: nil)
        let (settings, cache, host) = (configuration.settings, quorum.cache, quorum.host)
        let view = ClusterView(
            clusterID: quorum.clusterID, nodeID: configuration.nodeID, cache: cache, suspected: suspected,
            contact: partitions.services.contact)
        let threads = BrokerThreads(
            configuration.nodeID, partitions.settings, cache, world, log: logs[part: .network])
        var table = HandlerTable()
        let produce = ProduceHandler(
            table: partitions, world: world, poolThreads: Int(settings.integer("num.io.threads")),
            verifier: transactions.verifier)
        table.register(produce)
        partitions.settings.subscribe { settings in
            let threads = Int(settings.integer("num.io.threads"))
            world.setPoolThreads(threads)
            produce.setPoolThreads(threads)
        }
        table.register(
            FetchHandler(
                table: partitions, world: world, settings: settings,
                interBrokerListener: configuration.interBrokerListenerName, metadataFetch: nil))
        table.register(
            ListOffsetsHandler(
                table: partitions, world: world, interBrokerListener: configuration.interBrokerListenerName))
        table.register(OffsetForLeaderEpochHandler(table: partitions))
        table.register(DeleteRecordsHandler(table: partitions, world: world))
        table.register(DescribeProducersHandler(table: partitions))
        table.register(DescribeLogDirsHandler(table: partitions, world: world))
        table.register(AlterReplicaLogDirsHandler(table: partitions))
        table.register(
            MetadataHandler(view, creator: creator, createsTopics: settings.boolean("auto.create.topics.enable")))
        table.register(
            DescribeClusterHandler(view, incarnationID: quorum.incarnationID) { host.leaderToldLast })
        table.register(
            DescribeTopicPartitionsHandler(
                view, partitionsMax: Int(settings.integer("max.request.partition.size.limit"))))
        table.register(
            DescribeConfigsHandler(
                ConfigDescriber(nodeID: configuration.nodeID, settings: settings, logs: logs), cache: cache))
        table.register(ListConfigResourcesHandler(cache: cache))
        table.register(DescribeQuorumHandler(host))
        table.registerAdministration(
            route, OwnConfigs(nodeID: configuration.nodeID, settings: settings, logs: logs, threads: threads.rule),
            host)
        let services = GroupServices(
            host: groups, cache: cache, suspected: suspected,
            topics: [.ofGroups(settings), .ofTransactions(settings)], creator: creator,
            randomness: world.randomness, log: logs[part: .groups])
        table.registerGroups(services)
        table.registerTransactions(transactions, createTopic: services.createTopic)
        table.register(ApiVersionsHandler(table) { FeatureReport(cache.current, kraftVersion: host.kraftVersion) })
        return table
    }
}
