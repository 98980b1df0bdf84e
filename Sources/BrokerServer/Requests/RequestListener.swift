package import Logging
import Security
import Synchronization
package import World

/// One listener of a node: accepts connections and serves their requests from the handler table.
package final class RequestListener: MetricsSource {
    private struct State {
        var listener: (any Listener)?
        /// By the number of the connection.
        var connections: [UInt64: RequestConnection] = [:]

        /// In the order in which they came: what is done to all of them, nodes elsewhere see.
        var inOrder: [RequestConnection] { connections.sorted { $0.key < $1.key }.map { $0.value } }
        var meters: RequestMeters?
    }

    private let identity: ListenerIdentity
    private let table: HandlerTable
    private let limits: ClientLimits
    private let isExempt: Bool
    private let clock: any Clock
    private let refusals: RefusalLog
    private let requestLog: RequestLog?
    private let outside: OutsideClients?
    private let whenConnectionEnds: @Sendable (ConnectionIdentity) -> Void
    private let state = Mutex(State())

    private static let nextConnectionID = Atomic<UInt64>(0)

    /// - Parameter limits: Shared by all listeners of a node.
    /// - Parameter isExempt: Whether only nodes come here: they are counted, never refused; a client goes for them.
    /// - Parameter outside: Whose connections count as those of the listener for outside clients.
    /// - Parameter whenConnectionEnds: Called on the connection's loop: a closed connection is a sign of death.
    package init(
        _ identity: ListenerIdentity, table: HandlerTable, limits: ClientLimits, isExempt: Bool = false,
        clock: any Clock, log: Logger, requestLog: RequestLog? = nil, outside: OutsideClients? = nil,
        whenConnectionEnds: @escaping @Sendable (ConnectionIdentity) -> Void = { _ in }
    ) {
        self.identity = identity
        self.table = table
        self.limits = limits
        self.isExempt = isExempt || identity.kind == .controller
        self.clock = clock
        self.requestLog = requestLog
        refusals = RefusalLog(log: log, clock: clock)
        self.outside = outside
        self.whenConnectionEnds = whenConnectionEnds
        if !self.isExempt { limits.watch { [weak self] in self?.connections ?? [] } }
    }

    private var connections: [RequestConnection] { state.withLock { $0.inOrder } }

    /// Opens the listener; returns its port.
    package func open(at endpoint: Endpoint, in world: World) throws(ListenError) -> Int {
        // Controllers keep their connections off the data path: a heartbeat never waits for a produce request.
        let loops = identity.kind == .controller ? LoopGroup([world.controlLoop]) : world.dataLoops
        let meters = RequestMeters(listener: identity.name, table: table, clock: world.clock)
        let frameBytes = limits.current.frameBytesMax
        let opened = try world.network.listen(at: endpoint, on: loops, frameLimitBytes: frameBytes) { link in
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
            let taken = (state.listener, state.inOrder)
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
        let inForce = limits.current
        let verdict = limits.gate.enter(link.remote.host, identity, isExempt: isExempt, inForce, now: clock.now)
        guard case .admitted(let wait) = verdict else {
            if case .refused(let cause) = verdict {
                meters.connectionRefused()
                limits.counts.note(cause)
                refusals.say(
                    .warning, "connection refused: too many",
                    ["peer": "\(link.remote)", "listener": "\(identity.name)", "limit": "\(cause)"])
            }
            return nil
        }
        if isExempt, limits.gate.total > inForce.connectionsMax { limits.evictOne() }
        let id = RequestListener.nextConnectionID.wrappingAdd(1, ordering: .relaxed).newValue
        let connectionIdentity = ConnectionIdentity(
            id: id, listener: identity(of: link.remote.host), principal: .anonymous, remote: link.remote,
            local: link.local,
            loop: link.loop)
        let connection = RequestConnection(
            link: link, identity: connectionIdentity, table: table, limits: limits, isExempt: isExempt,
            clock: clock, refusals: refusals, meters: meters.lane(of: link.loop), requestLog: requestLog
        ) { [weak self] connection in
            self?.forget(connection)
        }
        state.withLock { $0.connections[id] = connection }
        if wait > 0 {
            limits.counts.note(.delayedByRate)
            connection.holdBack(milliseconds: wait)
        }
        return connection
    }

    private func identity(of address: String) -> ListenerIdentity {
        guard let outside, outside.contains(address) else { return identity }
        return ListenerIdentity(name: OutsideClients.listenerName, kind: identity.kind)
    }

    private func forget(_ connection: RequestConnection) {
        limits.gate.leave(connection.identity.remote.host, identity)
        _ = state.withLock { $0.connections.removeValue(forKey: connection.identity.id) }
        whenConnectionEnds(connection.identity)
    }
}
