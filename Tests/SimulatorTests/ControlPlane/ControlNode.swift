import Controller
import Logging
import Metadata
import Primitives
import Simulator
import Synchronization
import WireMessages
import World

@testable import BrokerServer

/// A combined node without partitions: quorum, controller, a broker's life, and the handlers of both listeners.
final class ControlNode: Sendable {
    static let clusterID = "control-test-cluster-1"

    let id: Int32
    let world: World
    let cache = MetadataCache()
    let host: QuorumHost
    let controller: ControllerHost
    let lifecycle: BrokerLifecycle
    let producerIDs: ProducerIDSource
    let suspected: SuspectedBrokers
    let watch: PeerWatch
    let isRunning = Mutex(false)
    private let listeners: [(RequestListener, Endpoint)]
    private let network: TrackedNetwork
    private let virtual: VirtualNetwork
    private let loops: [VirtualLoop]
    private let pool: VirtualPool

    static func controllerPort(_ id: Int32) -> Int { 9_300 + Int(id) }
    static func clientPort(_ id: Int32) -> Int { 9_200 + Int(id) }

    static func voters(_ ids: [Int32]) -> [VoterAddress] {
        ids.map { VoterAddress(id: BrokerID($0), endpoint: Endpoint(host: "node-\($0)", port: controllerPort($0))) }
    }

    init(
        _ id: Int32, of ids: [Int32], life: UInt64, files: VirtualFiles, network virtual: VirtualNetwork,
        time: VirtualTime, cleanlyEnded: BrokerEpoch?, segmentBytes: Int64? = nil
    ) {
        self.id = id
        self.virtual = virtual
        network = TrackedNetwork(virtual.view(of: Int(id)))
        loops = [VirtualLoop(time: time), VirtualLoop(time: time, place: 0)]
        pool = VirtualPool(time: time)
        world = World(
            clock: VirtualClock(time: time), randomness: VirtualRandomness(time: time), files: files, network: network,
            loops: [loops[1]], controlLoop: loops[0], pool: pool)
        let log = Logger(label: "node-\(id)") { _ in SwiftLogNoOpLogHandler() }
        var setup = QuorumSetup(
            nodeID: BrokerID(id), directoryID: DirectoryID(high: 500, low: UInt64(id)),
            voters: ControlNode.voters(ids), logDirectory: "meta")
        setup.segmentBytes = segmentBytes ?? setup.segmentBytes
        let failure = Failure()
        host = QuorumHost(setup, world: world, logger: log) { failure.set("\($0)") }
        let publisher = MetadataPublisher(cache: cache)
        var configuration = ControllerConfiguration(clusterID: ControlNode.clusterID)
        configuration.detection.ownNode = BrokerID(id)
        controller = ControllerHost(
            configuration: configuration, metadataLog: host,
            publisher: publisher, detector: FailureDetector(listenerName: "PLAINTEXT", world: world, log: log),
            world: world, log: log)
        let plane = ControlPlane(publisher: publisher, controller: controller, log: log) { failure.set($0) }
        host.listen(plane)
        let addresses = Dictionary(uniqueKeysWithValues: setup.voters.map { ($0.id, $0.endpoint) })
        let world = world
        let channels = ["life", "requests"].map { name in
            ControllerChannel(clientID: "\(name)-\(id)", world: world) { addresses[$0] }
        }
        for channel in channels { plane.follow(channel) }
        let incarnation = UUID128(high: UInt64(id), low: life)
        lifecycle = BrokerLifecycle(
            identity: BrokerIdentity(
                id: BrokerID(id), clusterID: ControlNode.clusterID, incarnationID: incarnation,
                listeners: [
                    RegisteredListener(
                        name: "PLAINTEXT", host: "node-\(id)", port: UInt16(ControlNode.clientPort(id)))
                ], rack: nil, directories: [DirectoryID(high: 600, low: UInt64(id))], cleanlyEndedEpoch: cleanlyEnded),
            timing: BrokerLifecycle.Timing(), channel: channels[0], cache: cache, world: world, log: log
        ) { failure.set($0) }
        let lifecycle = lifecycle
        producerIDs = ProducerIDSource(broker: BrokerID(id), epoch: { lifecycle.epoch }, channel: channels[1])
        suspected = SuspectedBrokers(cache: cache, listenerName: "PLAINTEXT", world: world)
        watch = PeerWatch(
            lifecycle, channel: channels[0], suspected: suspected, sources: PeerWatch.Sources(), world: world)
        publisher.subscribe(suspected)
        publisher.subscribe(lifecycle)
        let registrar = ControllerRegistrar(
            id: BrokerID(id), incarnationID: incarnation,
            listeners: [
                RegisteredListener(
                    name: "CONTROLLER", host: "node-\(id)", port: UInt16(ControlNode.controllerPort(id)))
            ], channel: ControllerChannel(clientID: "registrar-\(id)", world: world) { addresses[$0] }, cache: cache,
            world: world, log: log)
        plane.follow(registrar)
        listeners = ControlNode.listeners(
            id, host: host, controller: controller, cache: cache, suspected: suspected, incarnation: incarnation,
            channel: channels[1], world: world, log: log)
        failureSource = failure
    }

    private let failureSource: Failure

    /// What ended the node, if anything did.
    var ended: String? { failureSource.reason }

    private final class Failure: Sendable {
        private let state = Mutex<String?>(nil)
        func set(_ reason: String) { state.withLock { $0 = reason } }
        var reason: String? { state.withLock { $0 } }
    }

    private static func listeners(
        _ id: Int32, host: QuorumHost, controller: ControllerHost, cache: MetadataCache, suspected: SuspectedBrokers,
        incarnation: UUID128, channel: ControllerChannel, world: World, log: Logger
    ) -> [(RequestListener, Endpoint)] {
        let heartbeats = HeartbeatConnections(controller)
        let inner = AdminRoute(forwarder: nil, controller: controller)
        let outer = AdminRoute(forwarder: RequestForwarder(channel: channel), controller: nil)
        let view = ClusterView(
            clusterID: clusterID, nodeID: BrokerID(id), cache: cache, suspected: suspected)
        var forControllers = HandlerTable()
        host.register(in: &forControllers)
        forControllers.register(MetadataFetchHandler(host))
        forControllers.register(BrokerRegistrationHandler(controller))
        forControllers.register(BrokerHeartbeatHandler(controller, heartbeats))
        forControllers.register(ControllerRegistrationHandler(controller))
        forControllers.register(AlterPartitionHandler(controller))
        forControllers.register(AllocateProducerIDsHandler(controller))
        forControllers.register(CreateTopicsHandler(inner))
        var forwardable = HandlerTable()
        forwardable.register(CreateTopicsHandler(inner))
        forControllers.register(EnvelopeHandler(inner, forwardable: forwardable))
        forControllers.register(ApiVersionsHandler(forControllers) { FeatureReport(cache.current) })
        var forClients = HandlerTable()
        forClients.register(CreateTopicsHandler(outer))
        forClients.register(
            MetadataHandler(view, creator: TopicCreator(channel: channel), createsTopics: true))
        forClients.register(DescribeClusterHandler(view, incarnationID: incarnation) { nil })
        forClients.register(ApiVersionsHandler(forClients) { FeatureReport(cache.current) })
        let limits = ClientLimits(RequestLimits())
        let controllers = RequestListener(
            ListenerIdentity(name: "CONTROLLER", kind: .controller), table: forControllers, limits: limits,
            clock: world.clock, log: log, whenConnectionEnds: { heartbeats.ended($0) })
        let clients = RequestListener(
            ListenerIdentity(name: "PLAINTEXT", kind: .client), table: forClients, limits: limits,
            clock: world.clock, log: log)
        return [
            (controllers, Endpoint(host: "node-\(id)", port: controllerPort(id))),
            (clients, Endpoint(host: "node-\(id)", port: clientPort(id))),
        ]
    }

    func start() {
        world.controlLoop.execute {
            do {
                for (listener, endpoint) in self.listeners { _ = try listener.open(at: endpoint, in: self.world) }
                try self.host.start()
            } catch {
                self.failureSource.set("\(error)")
            }
            self.watch.start()
            self.lifecycle.start { self.isRunning.withLock { $0 = true } }
        }
    }

    /// SIGSTOP: it accepts connections and answers nothing.
    func pause() {
        for loop in loops { loop.pause() }
    }

    /// SIGCONT.
    func resume() {
        for loop in loops { loop.resume() }
    }

    /// `kill -9`.
    func crash() {
        for loop in loops { loop.crash() }
        pool.crash()
        virtual.closePorts(of: Int(id))
        network.crash()
    }
}
