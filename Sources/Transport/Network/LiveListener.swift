import CPolling
import Glibc
import World

/// An open listening socket of the live network: accepts on one loop and gives the connections to its loops in turn, as
/// many as are open at the time.
///
/// `@unchecked Sendable`: touched on its loop only, but for `close`, which goes there first.
final class LiveListener: Listener, PolledSocket, @unchecked Sendable {
    /// How many connections one round takes.
    private static let acceptsMax = 32
    /// The pause where the process has no descriptor left: the connections wait in the backlog.
    private static let pauseMilliseconds: Int64 = 100

    let port: Int
    private let loop: NetworkLoop
    private let loops: LoopGroup
    private let take: @Sendable (_ socket: Int32, NetworkLoop) -> Void
    private var socket: Int32?
    private var place: Poller.Place?
    private var next = 0

    /// - Parameter take: gets each connection, on the loop that is to have it.
    init(
        _ listening: ListeningSocket, loops: LoopGroup,
        take: @escaping @Sendable (_ socket: Int32, NetworkLoop) -> Void
    ) {
        port = listening.port
        socket = listening.descriptor
        loop = LiveNetwork.own(loops.first[0])
        self.loops = loops
        self.take = take
        // The socket listens already: connections wait in its backlog until the loop has it.
        loop.execute { self.begin() }
    }

    private func begin() {
        guard let socket, place == nil else { return }
        place = loop.poller.add(socket, self, .readable)
        if place == nil { pause() }
    }

    func ready(_ readiness: Readiness) {
        for _ in 0..<LiveListener.acceptsMax {
            guard let socket else { return }
            let accepted = martlet_accept(socket)
            guard accepted >= 0 else {
                // What one connection died of is nothing to the next; a lack of descriptors or memory is.
                if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { pause() }
                return
            }
            let open = loops.open
            let target = LiveNetwork.own(open[next % open.count])
            next = (next + 1) % open.count
            if target === loop { take(accepted, target) } else { target.execute { self.take(accepted, target) } }
        }
    }

    private func pause() {
        if let socket, let place { loop.poller.remove(place, of: socket) }
        place = nil
        loop.schedule(afterMilliseconds: LiveListener.pauseMilliseconds) { [weak self] in self?.begin() }
    }

    func close() { loop.isCurrent ? end() : loop.execute { self.end() } }

    func loopEnded() { end() }

    private func end() {
        guard let socket else { return }
        if let place { loop.poller.remove(place, of: socket) }
        (self.socket, place) = (nil, nil)
        _ = Glibc.close(socket)
    }
}
