import Logging
import Synchronization
import World

/// The admin port of a node and what is reported there.
final class AdminRoom: Sendable {
    let metrics: MetricsDesk
    private let listener: AdminListener
    private let endpoint: Endpoint
    private let world: World
    private let log: Logger
    private let opened = Mutex<Int?>(nil)

    /// - Parameter hindrances: why the node does not serve now; called on the control loop.
    init(
        at endpoint: Endpoint, world: World, logs: NodeLogs, sources: [any MetricsSource],
        hindrances: @escaping @Sendable () -> [String]
    ) {
        self.endpoint = endpoint
        self.world = world
        log = logs[part: .admin]
        metrics = MetricsDesk(world)
        let counts = AdminCounts()
        for source in sources + [counts] { metrics.add(source) }
        let pages = AdminPages(metrics: metrics, logs: logs, world: world, unreadiness: hindrances)
        listener = AdminListener(pages: pages, counts: counts, clock: world.clock, log: log)
    }

    /// The port, once it is open.
    var port: Int? { opened.withLock { $0 } }

    func open() throws(NodeFailure) {
        let port = try listener.open(endpoint, world)
        opened.withLock { $0 = port }
        log.info("metrics, health and readiness are served", metadata: ["host": "\(endpoint.host)", "port": "\(port)"])
    }

    func close() { listener.close() }
}
