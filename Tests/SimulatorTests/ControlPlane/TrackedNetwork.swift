import Primitives
import Simulator
import Synchronization
import World

/// One node's view of the virtual network, which remembers the node's links so that a crash can break them.
final class TrackedNetwork: Network {
    private let view: any Network
    private let links = Mutex<[any Link]>([])

    init(_ view: any Network) { self.view = view }

    func listen(
        at endpoint: Endpoint, on loops: LoopGroup, frameLimitBytes: Int,
        accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try view.listen(at: endpoint, on: loops, frameLimitBytes: frameLimitBytes) { link in
            self.links.withLock { $0.append(link) }
            return accept(link)
        }
    }

    func listenUnframed(
        at endpoint: Endpoint, on loops: LoopGroup, accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try view.listenUnframed(at: endpoint, on: loops) { link in
            self.links.withLock { $0.append(link) }
            return accept(link)
        }
    }

    func connect(
        to endpoint: Endpoint, on loop: any Loop, timeoutMilliseconds: Int64, frameLimitBytes: Int,
        handler: any LinkHandler, completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void
    ) {
        view.connect(
            to: endpoint, on: loop, timeoutMilliseconds: timeoutMilliseconds, frameLimitBytes: frameLimitBytes,
            handler: handler
        ) { result in
            if case .success(let link) = result { self.links.withLock { $0.append(link) } }
            completion(result)
        }
    }

    func crash() {
        for case let link as VirtualLink in links.withLock({ $0 }) { link.crash() }
    }
}
