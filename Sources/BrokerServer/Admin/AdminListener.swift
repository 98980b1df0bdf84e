package import Logging
import Primitives
import Synchronization
package import World

/// The admin port: HTTP on a listener of its own, apart from Kafka's.
///
/// It lives on a data loop: what scrapers do never delays a heartbeat.
package final class AdminListener: Sendable {
    /// Open connections; a node has a handful of scrapers and probes.
    package static let connectionsMax = 64

    private struct State {
        var listener: (any Listener)?
        /// By the number of each, in the order in which they came.
        var connections: [UInt64: any Link] = [:]
        var lastNumber: UInt64 = 0
    }

    private let pages: AdminPages
    private let counts: AdminCounts
    private let refusals: RefusalLog
    private let state = Mutex(State())

    package init(pages: AdminPages, counts: AdminCounts, clock: any Clock, log: Logger) {
        self.pages = pages
        self.counts = counts
        refusals = RefusalLog(log: log, clock: clock)
    }

    /// Opens the port; returns its number.
    package func open(at endpoint: Endpoint, in world: World) throws(ListenError) -> Int {
        let opened = try world.network.listenUnframed(at: endpoint, on: LoopGroup([world.loops[0]])) { self.accept($0) }
        state.withLock { $0.listener = opened }
        return opened.port
    }

    /// Accepts nothing more and closes what is open.
    package func close() {
        let (listener, links) = state.withLock { state in
            let taken = (state.listener, state.connections.sorted { $0.key < $1.key }.map(\.value))
            state.listener = nil
            return taken
        }
        listener?.close()
        for link in links { link.close() }
    }

    private func accept(_ link: any Link) -> (any LinkHandler)? {
        let number: UInt64? = state.withLock { state in
            guard state.connections.count < AdminListener.connectionsMax else { return nil }
            state.lastNumber += 1
            state.connections[state.lastNumber] = link
            return state.lastNumber
        }
        guard let number else {
            counts.connectionTurnedAway()
            refusals.say(.warning, "admin connection refused: too many", ["peer": "\(link.remote)"])
            return nil
        }
        return AdminConnection(link: link, pages: pages, counts: counts, refusals: refusals) { [weak self] in
            _ = self?.state.withLock { $0.connections.removeValue(forKey: number) }
        }
    }
}
