package import Logging
import Security
import Synchronization
package import World

/// One listener of a node: accepts connections and serves their requests from the handler table.
package final class RequestListener: MetricsSource {
    private struct State {
        var listener: (any Listener)?
        var connections: [ObjectIdentifier: RequestConnection] = [:]
        var meters: RequestMeters?
    }

    private let identity: ListenerIdentity
    private let table: HandlerTable
    private let limits: RequestLimits
    private let count: ConnectionCount
    private let clock: any Clock
    private let refusals: RefusalLog
    private let requestLog: RequestLog?
    private let outside: OutsideClients?
    private let whenConnectionEnds: @Sendable (ConnectionIdentity) -> Void
    private let state = Mutex(State())

    private static let nextConnectionID = Atomic<UInt64>(0)

    /// - Parameter count: Shared by all listeners of a node; those of controllers are counted, never refused.
    /// - Parameter outside: Whose connections count as those of the listener for outside clients.
    /// - Parameter whenConnectionEnds: Called on the connection's loop: a closed connection is a sign of death.
    package init(
        _ identity: ListenerIdentity, table: HandlerTable, limits: RequestLimits, count: ConnectionCount,
        clock: any Clock, log: Logger, requestLog: RequestLog? = nil, outside: OutsideClients? = nil,
        whenConnectionEnds: @escaping @Sendable (ConnectionIdentity) -> Void = { _ in }
    ) {
        self.identity = identity
        self.table = table
        self.limits = limits
        self.count = count
        self.clock = clock
        self.requestLog = requestLog
        refusals = RefusalLog(log: log, clock: clock)
        self.outside = outside
        self.whenConnectionEnds = whenConnectionEnds
    }

    /// Opens the listener; returns its port.
    package func open(at endpoint: Endpoint, in world: World) throws(ListenError) -> Int {
        // Controllers keep their connections off the data path: a heartbeat never waits for a produce request.
        let loops = identity.kind == .controller ? [world.controlLoop] : world.loops
        let meters = RequestMeters(listener: identity.name, table: table, loops: loops, clock: world.clock)
        let opened = try world.network.listen(at: endpoint, on: loops, frameLimitBytes: limits.frameBytesMax) { link in
            self.accept(link, meters)
        }
        state.withLock { state in
            state.listener = opened
            state.meters = meters
        }
        return opened.port
    }

    /// Accepts nothing more and closes the open connections after what they have queued.
    package func close() {
        let (listener, connections) = state.withLock { state in
            let taken = (state.listener, Array(state.connections.values))
            state.listener = nil
            return taken
        }
        listener?.close()
        for connection in connections { connection.close() }
    }

    /// Says what goes in and out here; nothing while it is not open.
    package func report(into page: inout MetricsPage) {
        let (meters, connections) = state.withLock { ($0.meters, $0.connections.count) }
        meters?.report(connections: connections, into: &page)
    }

    private func accept(_ link: any Link, _ meters: RequestMeters) -> (any LinkHandler)? {
        let address = link.remote.host
        var limits = limits
        if identity.kind == .controller {
            limits.connectionsMax = .max
            limits.connectionsPerAddressMax = .max
        }
        guard count.enter(address, limits) else {
            meters.connectionRefused()
            refusals.say(.warning, "connection refused: too many", ["peer": "\(link.remote)"])
            return nil
        }
        let id = RequestListener.nextConnectionID.wrappingAdd(1, ordering: .relaxed).newValue
        let connectionIdentity = ConnectionIdentity(
            id: id, listener: identity(of: address), principal: .anonymous, remote: link.remote, local: link.local,
            loop: link.loop)
        let connection = RequestConnection(
            link: link, identity: connectionIdentity, table: table, limits: limits, clock: clock,
            refusals: refusals, meters: meters.lane(of: link.loop), requestLog: requestLog
        ) { [weak self] connection in
            self?.forget(connection)
        }
        state.withLock { $0.connections[ObjectIdentifier(connection)] = connection }
        return connection
    }

    private func identity(of address: String) -> ListenerIdentity {
        guard let outside, outside.contains(address) else { return identity }
        return ListenerIdentity(name: OutsideClients.listenerName, kind: identity.kind)
    }

    private func forget(_ connection: RequestConnection) {
        count.leave(connection.identity.remote.host)
        _ = state.withLock { $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
        whenConnectionEnds(connection.identity)
    }
}
