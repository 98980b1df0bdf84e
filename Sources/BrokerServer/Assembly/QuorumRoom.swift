import Controller
import LogStorage
import Logging
import Metadata
import Primitives
import World

/// The part of a node that every node has: the metadata log and what is made of it; on a controller also the controller
/// and its listeners.
final class QuorumRoom: Sendable {
    let cache = MetadataCache()
    let publisher: MetadataPublisher
    let host: QuorumHost
    let plane: ControlPlane
    let controller: ControllerHost?
    let incarnationID: UUID128
    let clusterID: String
    private let changes: StateChangeLog
    private let heartbeats: HeartbeatConnections?
    private let listeners: [(listener: RequestListener, configuration: ListenerConfiguration)]
    private let registrar: ControllerRegistrar?

    init(
        _ configuration: NodeConfiguration, _ directories: FormattedDirectories, world: World, logs: NodeLogs,
        limits: ClientLimits, fatal: @escaping @Sendable (NodeFailure) -> Void
    ) {
        clusterID = directories.clusterID
        incarnationID = UUID128(high: world.randomness.next(), low: world.randomness.next())
        publisher = MetadataPublisher(cache: cache)
        guard let directoryID = directories.id(of: configuration.metadataLogDirectory) else {
            preconditionFailure("the metadata directory is one of the node's directories")
        }
        let setup = QuorumSetup(configuration, directoryID: directoryID, clusterID: directories.clusterID)
        host = QuorumHost(setup, world: world, logger: logs[part: .quorum]) { fatal(NodeFailure("\($0)")) }
        if configuration.isController {
            controller = ControllerHost(
                configuration: ControllerConfiguration(
                    configuration.settings, clusterID: directories.clusterID, node: configuration.nodeID),
                metadataLog: host, publisher: publisher,
                detector: FailureDetector(
                    listenerName: configuration.interBrokerListenerName, world: world, log: logs[part: .controller]),
                world: world, log: logs[part: .controller])
        } else {
            controller = nil
        }
        let controller = controller
        changes = StateChangeLog(log: logs[part: .stateChanges], clock: world.clock) { controller?.isActive ?? false }
        if controller != nil { publisher.subscribe(changes) }
        plane = ControlPlane(publisher: publisher, controller: controller, log: logs[part: .quorum]) {
            fatal(NodeFailure($0))
        }
        host.listen(plane)
        heartbeats = controller.map { HeartbeatConnections($0) }
        var opened: [(listener: RequestListener, configuration: ListenerConfiguration)] = []
        if let controller, let heartbeats {
            let table = QuorumRoom.table(
                host, controller, heartbeats, configuration: configuration, cache: cache, clusterID: clusterID,
                incarnationID: incarnationID, world: world, logs: logs)
            for listener in configuration.controllerListeners {
                let identity = ListenerIdentity(name: listener.name, kind: .controller)
                opened.append(
                    (
                        RequestListener(
                            identity, table: table, limits: limits,
                            clock: world.clock, log: logs[part: .network], requestLog: RequestLog(logs),
                            whenConnectionEnds: { heartbeats.ended($0) }), listener
                    ))
            }
        }
        listeners = opened
        registrar = QuorumRoom.registrar(
            configuration, incarnationID, cache, host, world: world, log: logs[part: .controller])
        if let registrar { plane.follow(registrar) }
    }

    /// Opens the controller's listeners and takes part in the quorum; on the control loop.
    func start(_ world: World) throws(NodeFailure) {
        for (listener, configuration) in listeners { try listener.open(configuration, world) }
        do { try host.start() } catch let error as StorageError where !error.takesDirectoryOffline {
            throw NodeFailure(
                "the metadata log can't be opened: \(error). Restore the file, or, where other controllers have the "
                    + "log, move its directory away: this node then fetches all from the leader")
        } catch {
            throw NodeFailure("the metadata log can't be opened: \(error)")
        }
    }

    /// Whether all that was committed when it was last heard of in this life is applied. A snapshot is no word of that:
    /// partitions that were made behind it would pass for ones that metadata does not know.
    var isCaughtUp: Bool {
        guard let committed = host.toldHighWatermark else { return false }
        return cache.current.provenance.end >= committed && committed > .zero
    }

    /// Why the metadata can't be relied on now, in words. On the control loop.
    var hindrances: [String] {
        if host.leader.id == nil { return ["no leader of the metadata quorum is known"] }
        if isCaughtUp { return [] }
        let committed = host.toldHighWatermark.map { "\($0)" } ?? "unknown"
        return ["the metadata is applied up to \(cache.current.provenance.end), committed up to \(committed)"]
    }

    /// Adds what this room has to report.
    func report(to metrics: MetricsDesk) {
        metrics.add(QuorumMetrics(host: host, cache: cache), on: .controlLoop)
        if let controller {
            metrics.add(ActiveControllerMetrics(controller: controller), on: .controlLoop)
            metrics.add(ClusterMetrics(cache: cache, changes: changes))
        }
        for (listener, _) in listeners { metrics.add(listener) }
    }

    /// Hands the quorum's leadership over and closes; on the control loop.
    func stop(_ stopped: @escaping @Sendable () -> Void) {
        host.shutDown { [listeners] in
            for (listener, _) in listeners { listener.close() }
            stopped()
        }
    }

    private static func table(
        _ host: QuorumHost, _ controller: ControllerHost, _ heartbeats: HeartbeatConnections,
        configuration: NodeConfiguration, cache: MetadataCache, clusterID: String, incarnationID: UUID128, world: World,
        logs: NodeLogs
    ) -> HandlerTable {
        let route = AdminRoute(forwarder: nil, controller: controller)
        var table = HandlerTable()
        host.register(in: &table)
        table.register(MetadataFetchHandler(host))
        table.register(BrokerRegistrationHandler(controller))
        table.register(BrokerHeartbeatHandler(controller, heartbeats))
        table.register(ControllerRegistrationHandler(controller))
        table.register(AlterPartitionHandler(controller))
        table.register(AllocateProducerIDsHandler(controller))
        table.register(AssignReplicasToDirsHandler(controller))
        let own = OwnConfigs(nodeID: configuration.nodeID, settings: configuration.settings, logs: logs)
        table.registerAdministration(route, own, host)
        var forwardable = HandlerTable()
        forwardable.registerAdministration(route, own, host)
        table.register(EnvelopeHandler(route, forwardable: forwardable))
        let suspected = SuspectedBrokers(
            cache: cache, listenerName: configuration.interBrokerListenerName, world: world)
        let view = ClusterView(
            clusterID: clusterID, nodeID: configuration.nodeID, cache: cache, suspected: suspected)
        table.register(DescribeClusterHandler(view, incarnationID: incarnationID) { host.leader.id })
        table.register(
            DescribeConfigsHandler(
                ConfigDescriber(nodeID: configuration.nodeID, settings: configuration.settings, logs: logs),
                cache: cache))
        table.register(ApiVersionsHandler(table) { FeatureReport(cache.current, kraftVersion: host.kraftVersion) })
        return table
    }

    private static func registrar(
        _ configuration: NodeConfiguration, _ incarnationID: UUID128, _ cache: MetadataCache, _ host: QuorumHost,
        world: World, log: Logger
    ) -> ControllerRegistrar? {
        guard configuration.isController else { return nil }
        return ControllerRegistrar(
            id: configuration.nodeID, incarnationID: incarnationID,
            listeners: configuration.controllerEndpoints.map { listener in
                RegisteredListener(
                    name: listener.name, host: listener.endpoint.host, port: UInt16(clamping: listener.endpoint.port))
            },
            channel: ControllerChannel(clientID: "controller-\(configuration.nodeID)", world: world) {
                host.address(of: $0)
            },
            cache: cache, world: world, log: log)
    }
}
