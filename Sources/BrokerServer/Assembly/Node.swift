package import Logging
import Primitives
import Synchronization
package import World

/// One node: what a process (or a simulated one) runs. Assembles the rooms of the server and takes them through start
/// and stop.
///
/// Start: lock and format the directories; the quorum; catch up with the metadata; recover every log; open the client
/// listeners and register; ready when the controller lets the broker in. Stop: the same backwards.
package final class Node: Sendable {
    private struct Rooms {
        var directories: FormattedDirectories?
        var quorum: QuorumRoom?
        var broker: BrokerRoom?
        var limits: ClientLimits?
        var isStopping = false
    }

    /// Pause between two looks at how far the start has come.
    private static let startTickMilliseconds: Int64 = 5

    private let configuration: NodeConfiguration
    let world: World
    private let logs: NodeLogs
    private let log: Logger
    private let admin: Mutex<AdminRoom?>
    private let rooms = Mutex(Rooms())
    private let hasFailed = Atomic(false)
    private let hasStarted = Atomic(false)

    /// - Parameter sources: what the process has to report beside the node itself.
    package init(
        configuration: NodeConfiguration, world: World, logs: NodeLogs, sources: [any MetricsSource] = []
    ) {
        self.configuration = configuration
        self.world = world
        self.logs = logs
        log = logs[part: .node]
        admin = Mutex(nil)
        guard let endpoint = configuration.adminEndpoint else { return }
        let room = AdminRoom(at: endpoint, world: world, logs: logs, sources: sources) { [weak self] in
            self?.hindrances ?? ["the node is gone"]
        }
        admin.withLock { $0 = room }
    }

    /// The same with one logger for all parts.
    package convenience init(configuration: NodeConfiguration, world: World, logger: Logger) {
        self.init(configuration: configuration, world: world, logs: NodeLogs(logger))
    }

    /// The port where metrics are served, once it is open.
    package var adminPort: Int? { admin.withLock { $0?.port } }

    /// The limits of this node's clients and how often they were met; nil before it has started.
    package var clientLimits: ClientLimits? { rooms.withLock { $0.limits } }

    /// The rooms, for `NodeWitness`.
    var witnessed: (quorum: QuorumRoom?, broker: BrokerRoom?) { rooms.withLock { ($0.quorum, $0.broker) } }

    /// Starts in the background. `fatal` is called once, when the node can't start or can't go on; `ready` when it
    /// serves (a controller alone: when it takes part in the quorum).
    package func start(
        fatal: @escaping @Sendable (NodeFailure) -> Void, ready: @escaping @Sendable () -> Void = {}
    ) {
        for warning in configuration.settings.warnings { log.warning("\(warning)") }
        let fail: @Sendable (NodeFailure) -> Void = { [self] failure in
            if !hasFailed.exchange(true, ordering: .relaxed) { fatal(failure) }
        }
        do throws(NodeFailure) { try admin.withLock { $0 }?.open() } catch { return fail(error) }
        limitStart(fail)
        world.pool.run { [self] in
            do throws(NodeFailure) {
                let directories = try FormattedDirectories.prepare(configuration, world, log)
                let found = try FoundDirectories(
                    directories, paths: configuration.isBroker ? configuration.logDirectories : [], files: world.files)
                for damage in found.directories.flatMap(\.damages) {
                    log.warning("a damaged file is done without", metadata: ["file": "\(damage)"])
                }
                rooms.withLock { $0.directories = directories }
                world.controlLoop.execute { self.startRooms(directories, found, fail, ready) }
            } catch {
                fail(error)
            }
        }
    }

    private func startRooms(
        _ directories: FormattedDirectories, _ found: FoundDirectories,
        _ fail: @escaping @Sendable (NodeFailure) -> Void, _ ready: @escaping @Sendable () -> Void
    ) {
        let limits = ClientLimits(
            RequestLimits(configuration.settings, machineMemoryBytes: world.machineMemoryBytes))
        let quorum = QuorumRoom(configuration, directories, world: world, logs: logs, limits: limits, fatal: fail)
        var broker: BrokerRoom?
        if configuration.isBroker {
            broker = BrokerRoom(
                configuration, directories, found, quorum: quorum, world: world, logs: logs, limits: limits, fatal: fail
            )
        }
        rooms.withLock { rooms in
            rooms.limits = limits
            rooms.quorum = quorum
            rooms.broker = broker
        }
        if let metrics = admin.withLock({ $0 })?.metrics {
            metrics.add(limits)
            quorum.report(to: metrics)
            broker?.report(to: metrics)
        }
        do throws(NodeFailure) { try quorum.start(world) } catch { return fail(error) }
        guard let broker else {
            announce()
            return ready()
        }
        startBrokerOnceCaughtUp(broker, quorum, fail, ready)
    }

    /// A broker serves nobody before it knows the metadata and has its logs open.
    private func startBrokerOnceCaughtUp(
        _ broker: BrokerRoom, _ quorum: QuorumRoom, _ fail: @escaping @Sendable (NodeFailure) -> Void,
        _ ready: @escaping @Sendable () -> Void
    ) {
        if rooms.withLock({ $0.isStopping }) { return }
        if quorum.isCaughtUp { broker.partitions.metadataIsSettled() }
        guard quorum.isCaughtUp, !broker.partitions.isOpening else {
            world.controlLoop.schedule(afterMilliseconds: Node.startTickMilliseconds) {
                self.startBrokerOnceCaughtUp(broker, quorum, fail, ready)
            }
            return
        }
        do throws(NodeFailure) {
            try broker.start {
                self.announce()
                ready()
            }
        } catch {
            fail(error)
        }
    }

    /// Why this node does not serve now, in words; nothing when it does. On the control loop.
    private var hindrances: [String] {
        let (quorum, broker, isStopping) = rooms.withLock { ($0.quorum, $0.broker, $0.isStopping) }
        if isStopping { return ["the node is stopping"] }
        guard let quorum else { return ["the directories are being opened"] }
        var hindrances = quorum.hindrances
        if let broker { hindrances += broker.hindrances }
        return hindrances
    }

    /// Gives up where the start takes longer than `server.max.startup.time.ms`.
    private func limitStart(_ fail: @escaping @Sendable (NodeFailure) -> Void) {
        let longest = configuration.settings.integer("server.max.startup.time.ms")
        guard longest < Int64.max else { return }
        world.controlLoop.schedule(afterMilliseconds: longest) { [weak self] in
            guard let self, !self.hasStarted.load(ordering: .relaxed), !self.rooms.withLock({ $0.isStopping }) else {
                return
            }
            fail(NodeFailure("the start took longer than server.max.startup.time.ms=\(longest)"))
        }
    }

    /// The lines that other software waits for.
    private func announce() {
        hasStarted.store(true, ordering: .relaxed)
        if configuration.isBroker {
            let name = "[BrokerLifecycleManager id=\(configuration.nodeID)]"
            log.info("\(name) The broker has been unfenced. Transitioning from RECOVERY to RUNNING.")
        }
        log.info("[KafkaRaftServer nodeId=\(configuration.nodeID)] Kafka Server started")
    }

    /// Hands leadership over, closes all in order, then calls `stopped`.
    package func stop(_ stopped: @escaping @Sendable () -> Void) {
        let handsOver = configuration.settings.boolean("controlled.shutdown.enable")
        world.controlLoop.execute { [self] in
            let (directories, quorum, broker) = rooms.withLock { rooms in
                rooms.isStopping = true
                return (rooms.directories, rooms.quorum, rooms.broker)
            }
            let closed: @Sendable () -> Void = { [self] in
                admin.withLock { $0 }?.close()
                directories?.release()
                stopped()
            }
            let finish: @Sendable () -> Void = {
                guard let quorum else { return closed() }
                quorum.stop(closed)
            }
            guard let broker else { return finish() }
            broker.stop(handsOver: handsOver, finish)
        }
    }
}
