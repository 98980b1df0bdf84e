import Primitives
import Synchronization
package import World

/// The network between simulated nodes: connections with ordered bytes, delays from the seed, and cuts.
///
/// Permitted faults: a cut in one direction holds what is sent until it is healed (as TCP retransmits); a crashed
/// node's connections end at its peers after a while; its ports refuse. Nothing inside one connection is lost or
/// reordered.
package final class VirtualNetwork: Sendable {
    private struct State {
        var listeners: [Int: VirtualListener] = [:]
        /// Directions that are cut, as (from, to) node numbers.
        var cuts: Set<[Int]> = []
        var held: [(from: Int, to: Int, deliver: @Sendable () -> Void)] = []
        var nextPort = 50_000
    }

    fileprivate let time: VirtualTime
    private let state = Mutex(State())
    /// The longest way of one piece of data, in microseconds.
    private let delayMicrosecondsMax: Int64

    package init(time: VirtualTime, delayMicrosecondsMax: Int64 = 2000) {
        self.time = time
        self.delayMicrosecondsMax = delayMicrosecondsMax
    }

    /// The view that one node has of it.
    package func view(of node: Int) -> any Network { VirtualNetworkView(node: node, network: self) }

    /// Nothing gets from one node to another until `heal`.
    package func cut(from: Int, to: Int) { _ = state.withLock { $0.cuts.insert([from, to]) } }

    /// All nodes reach each other again; what was held arrives.
    package func heal() {
        let held = state.withLock { state in
            state.cuts = []
            defer { state.held = [] }
            return state.held
        }
        for item in held { deliver(from: item.from, to: item.to, item.deliver) }
    }

    /// The node's process is gone: its ports refuse from now on.
    package func closePorts(of node: Int) {
        state.withLock { state in state.listeners = state.listeners.filter { $0.value.node != node } }
    }

    func deliver(from: Int, to: Int, _ work: @escaping @Sendable () -> Void) {
        let isHeld = state.withLock { state in
            guard state.cuts.contains([from, to]) else { return false }
            state.held.append((from, to, work))
            return true
        }
        guard !isHeld else { return }
        time.schedule(afterMicroseconds: from == to ? 5 : time.draw(in: 20...delayMicrosecondsMax), work)
    }

    fileprivate func isCut(from: Int, to: Int) -> Bool { state.withLock { $0.cuts.contains([from, to]) } }

    fileprivate func add(_ listener: VirtualListener) -> Bool {
        state.withLock { state in
            guard state.listeners[listener.port] == nil else { return false }
            state.listeners[listener.port] = listener
            return true
        }
    }

    fileprivate func remove(_ listener: VirtualListener) {
        state.withLock { state in
            if state.listeners[listener.port] === listener { state.listeners[listener.port] = nil }
        }
    }

    fileprivate func listener(at port: Int) -> VirtualListener? { state.withLock { $0.listeners[port] } }

    fileprivate func freePort() -> Int {
        state.withLock { state in
            state.nextPort += 1
            return state.nextPort
        }
    }
}

/// A listening port of a simulated node.
private final class VirtualListener: Listener {
    let node: Int
    let port: Int
    let loops: [any Loop]
    /// Nil where connections carry no frames.
    let frameLimitBytes: Int?
    let accept: @Sendable (any Link) -> (any LinkHandler)?
    private let network: VirtualNetwork

    init(
        node: Int, port: Int, loops: [any Loop], frameLimitBytes: Int?, network: VirtualNetwork,
        accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) {
        self.node = node
        self.port = port
        self.loops = loops
        self.frameLimitBytes = frameLimitBytes
        self.network = network
        self.accept = accept
    }

    func close() { network.remove(self) }
}

/// One node's view of the virtual network. Ports are unique in the whole simulation; host names do not matter.
private final class VirtualNetworkView: Network {
    private let node: Int
    private let network: VirtualNetwork

    init(node: Int, network: VirtualNetwork) {
        self.node = node
        self.network = network
    }

    func listen(
        at endpoint: Endpoint, on loops: [any Loop], frameLimitBytes: Int,
        accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try open(at: endpoint, on: loops, frameLimitBytes: frameLimitBytes, accept)
    }

    func listenUnframed(
        at endpoint: Endpoint, on loops: [any Loop], accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try open(at: endpoint, on: loops, frameLimitBytes: nil, accept)
    }

    private func open(
        at endpoint: Endpoint, on loops: [any Loop], frameLimitBytes: Int?,
        _ accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        let listener = VirtualListener(
            node: node, port: endpoint.port == 0 ? network.freePort() : endpoint.port, loops: loops,
            frameLimitBytes: frameLimitBytes, network: network, accept: accept)
        guard network.add(listener) else { throw .addressInUse(endpoint) }
        return listener
    }

    func connect(
        to endpoint: Endpoint, on loop: any Loop, timeoutMilliseconds: Int64, frameLimitBytes: Int,
        handler: any LinkHandler, completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void
    ) {
        let answer = OnceOnly { result in loop.execute { completion(result) } }
        loop.schedule(afterMilliseconds: timeoutMilliseconds) {
            answer.give(.failure(.unreachable(reason: "no answer in \(timeoutMilliseconds) ms")))
        }
        guard let listener = network.listener(at: endpoint.port) else {
            answer.give(.failure(.refused))
            return
        }
        let near = VirtualLink(
            node: node, loop: loop, remote: endpoint,
            frameLimitBytes: listener.frameLimitBytes == nil ? nil : frameLimitBytes, network: network)
        let farLoop = listener.loops[Int(network.time.draw() % UInt64(listener.loops.count))]
        let origin = Endpoint(host: "node-\(node)", port: network.freePort())
        let far = VirtualLink(
            node: listener.node, loop: farLoop, remote: origin, frameLimitBytes: listener.frameLimitBytes,
            network: network)
        near.peer(far)
        far.peer(near)
        near.attach(handler)
        let node = node
        network.deliver(from: node, to: listener.node) { [network] in
            farLoop.execute {
                guard network.listener(at: endpoint.port) === listener, let farHandler = listener.accept(far) else {
                    network.deliver(from: listener.node, to: node) { answer.give(.failure(.refused)) }
                    return
                }
                far.attach(farHandler)
                network.deliver(from: listener.node, to: node) { answer.give(.success(near)) }
            }
        }
    }
}

/// A completion that is called by whoever comes first.
private final class OnceOnly: Sendable {
    private let isGiven = Mutex(false)
    private let completion: @Sendable (Result<any Link, ConnectError>) -> Void

    init(_ completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void) { self.completion = completion }

    func give(_ result: Result<any Link, ConnectError>) {
        let isFirst = isGiven.withLock { given in
            defer { given = true }
            return !given
        }
        if isFirst { completion(result) }
    }
}
