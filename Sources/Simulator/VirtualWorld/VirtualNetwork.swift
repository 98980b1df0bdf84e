import Primitives
import Synchronization
package import World

/// The network between simulated nodes: connections with ordered bytes, delays from the seed, and cuts.
///
/// Permitted faults: a cut in one direction holds what is sent until it is healed (as TCP retransmits); lost packets
/// are waits; connections may break; a crashed process's connections end at its peers after a while and its ports
/// refuse; a dead machine says nothing at all until it is back. Nothing inside one connection is lost or reordered.
package final class VirtualNetwork: Sendable {
    private struct State {
        var listeners: [Int: VirtualListener] = [:]
        /// Directions that are cut, as (from, to) node numbers.
        var cuts: Set<[Int]> = []
        var held: [(from: Int, to: Int, deliver: @Sendable () -> Void)] = []
        var nextPort = 50_000
        /// Machines without power: nothing reaches them, nobody refuses.
        var dark: Set<Int> = []
        /// Both ends of each connection, by the node; ended ones are swept out now and then.
        var links: [Int: [WeakLink]] = [:]
        var delayMicrosecondsMax: Int64
        var lossPercent: UInt64 = 0
    }

    private struct WeakLink {
        weak var link: VirtualLink?
    }

    let time: VirtualTime
    private let state: Mutex<State>
    private let watcher = Mutex<Watcher?>(nil)

    /// A closure in a mutex by itself would be wrapped once more by each look at it.
    private struct Watcher: Sendable {
        let told: @Sendable (Int) -> Void
    }

    /// What a lost packet costs: TCP sends it again.
    private static let retransmissionMicroseconds: Int64 = 200_000

    /// - Parameter delayMicrosecondsMax: the longest way of one piece of data.
    package init(time: VirtualTime, delayMicrosecondsMax: Int64 = 2000) {
        self.time = time
        state = Mutex(State(delayMicrosecondsMax: delayMicrosecondsMax))
    }

    /// The view that one node has of it.
    package func view(of node: Int) -> any Network { VirtualNetworkView(node: node, network: self) }

    // MARK: faults

    /// From now on data takes up to so long, and so many pieces of a hundred are lost and sent again.
    package func weather(delayMicrosecondsMax: Int64, lossPercent: UInt64) {
        state.withLock { state in
            state.delayMicrosecondsMax = delayMicrosecondsMax
            state.lossPercent = lossPercent
        }
    }

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

    /// The process of a node died, its machine lives: its connections end, its ports refuse.
    package func endProcess(of node: Int) {
        closePorts(of: node)
        for link in takeLinks(of: node) { link.crash() }
    }

    /// The machine of a node died: it is silent, for those who are connected to it and for those who try to be.
    package func goDark(_ node: Int) {
        closePorts(of: node)
        for link in takeLinks(of: node) { link.goSilent() }
        state.withLock { state in
            _ = state.dark.insert(node)
            state.held.removeAll { $0.from == node || $0.to == node }
        }
    }

    /// The machine is on again: it answers, and knows nothing of former connections.
    package func comeBack(_ node: Int) { _ = state.withLock { $0.dark.remove(node) } }

    func isDark(_ node: Int) -> Bool { state.withLock { $0.dark.contains(node) } }

    /// Breaks every connection between two nodes, as a router that restarts does.
    package func breakLinks(between one: Int, and other: Int) {
        let links = state.withLock { state in state.links[one, default: []].compactMap(\.link) }
        for link in links where link.peerNode == other { link.breakDown() }
    }

    private func takeLinks(of node: Int) -> [VirtualLink] {
        state.withLock { state in (state.links.removeValue(forKey: node) ?? []).compactMap(\.link) }
    }

    private static let sweepCount = 64

    func keep(_ link: VirtualLink, of node: Int) {
        state.withLock { state in
            state.links[node, default: []].append(WeakLink(link: link))
            let count = state.links[node]?.count ?? 0
            if count % VirtualNetwork.sweepCount == 0 {
                state.links[node]?.removeAll { $0.link.map(\.isOver) ?? true }
            }
        }
    }

    // MARK: delivery

    /// From now on `body` is called with a node before bytes of it leave: what it says then may be compared with what
    /// it believes, also where it ends itself in the same event. Nil for nobody any more.
    package func watch(_ body: (@Sendable (Int) -> Void)?) { watcher.withLock { $0 = body.map(Watcher.init) } }

    func bytesLeave(_ node: Int) { watcher.withLock { $0 }?.told(node) }

    func deliver(from: Int, to: Int, _ work: @escaping @Sendable () -> Void) {
        let delay: Int64? = state.withLock { state in
            guard !state.cuts.isEmpty, state.cuts.contains([from, to]) else { return state.delayMicrosecondsMax }
            state.held.append((from, to, work))
            return nil
        }
        guard let delay else { return }
        guard from != to else { return time.schedule(afterMicroseconds: 5, for: to, work) }
        let loss = state.withLock { $0.lossPercent }
        let isLost = loss > 0 && time.draw() % 100 < loss
        let way = time.draw(in: 20...max(delay, 21)) + (isLost ? VirtualNetwork.retransmissionMicroseconds : 0)
        time.schedule(afterMicroseconds: way, for: to, work)
    }

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

    /// The node that a port is of, by what listened there last; nil where nothing ever did.
    fileprivate func owner(of port: Int) -> Int? { owners.withLock { $0[port] } }
    private let owners = Mutex<[Int: Int]>([:])
    fileprivate func own(_ port: Int, _ node: Int) { owners.withLock { $0[port] = node } }
}

/// A listening port of a simulated node.
private final class VirtualListener: Listener {
    let node: Int
    let port: Int
    let loops: LoopGroup
    /// Nil where connections carry no frames.
    let frameLimitBytes: Int?
    let accept: @Sendable (any Link) -> (any LinkHandler)?
    private let network: VirtualNetwork

    init(
        node: Int, port: Int, loops: LoopGroup, frameLimitBytes: Int?, network: VirtualNetwork,
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
        at endpoint: Endpoint, on loops: LoopGroup, frameLimitBytes: Int,
        accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try open(at: endpoint, on: loops, frameLimitBytes: frameLimitBytes, accept)
    }

    func listenUnframed(
        at endpoint: Endpoint, on loops: LoopGroup, accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        try open(at: endpoint, on: loops, frameLimitBytes: nil, accept)
    }

    private func open(
        at endpoint: Endpoint, on loops: LoopGroup, frameLimitBytes: Int?,
        _ accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener {
        let listener = VirtualListener(
            node: node, port: endpoint.port == 0 ? network.freePort() : endpoint.port, loops: loops,
            frameLimitBytes: frameLimitBytes, network: network, accept: accept)
        guard network.add(listener) else { throw .addressInUse(endpoint) }
        network.own(listener.port, node)
        return listener
    }

    func connect(
        to endpoint: Endpoint, on loop: any Loop, timeoutMilliseconds: Int64, frameLimitBytes: Int,
        handler: any LinkHandler, completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void
    ) {
        let answer = OnceOnly(on: loop, completion)
        loop.schedule(afterMilliseconds: timeoutMilliseconds) {
            answer.give(.failure(.unreachable(reason: "no answer in \(timeoutMilliseconds) ms")))
        }
        guard let far = network.listener(at: endpoint.port)?.node ?? network.owner(of: endpoint.port) else {
            answer.give(.failure(.refused))
            return
        }
        let (node, network, lot) = (node, network, network.time.draw())
        network.deliver(from: node, to: far) {
            guard !network.isDark(far) else { return }
            guard let listener = network.listener(at: endpoint.port) else {
                return network.deliver(from: far, to: node) { answer.give(.failure(.refused)) }
            }
            VirtualNetworkView.accept(
                listener, lot, from: node, endpoint, on: loop, frameLimitBytes: frameLimitBytes, handler, network,
                answer)
        }
    }

    private static func accept(
        _ listener: VirtualListener, _ lot: UInt64, from node: Int, _ endpoint: Endpoint, on loop: any Loop,
        frameLimitBytes: Int,
        _ handler: any LinkHandler, _ network: VirtualNetwork, _ answer: OnceOnly
    ) {
        let farLoops = listener.loops.open
        let farLoop = farLoops[Int(lot % UInt64(farLoops.count))]
        let near = VirtualLink(
            node: node, loop: loop, remote: endpoint,
            frameLimitBytes: listener.frameLimitBytes == nil ? nil : frameLimitBytes, network: network)
        let far = VirtualLink(
            node: listener.node, loop: farLoop, remote: Endpoint(host: "node-\(node)", port: network.freePort()),
            frameLimitBytes: listener.frameLimitBytes, network: network)
        near.peer(far)
        far.peer(near)
        near.attach(handler)
        network.keep(far, of: listener.node)
        network.keep(near, of: node)
        farLoop.execute {
            guard network.listener(at: endpoint.port) === listener, let farHandler = listener.accept(far) else {
                network.deliver(from: listener.node, to: node) { answer.give(.failure(.refused)) }
                return
            }
            far.attach(farHandler)
            network.deliver(from: listener.node, to: node) {
                // Who no longer waits for the connection does not want it either.
                if !answer.give(.success(near)) { near.reset() }
            }
        }
    }
}

/// A completion that is called by whoever comes first.
private final class OnceOnly: Sendable {
    private let loop: any Loop
    private let completion: Mutex<(@Sendable (Result<any Link, ConnectError>) -> Void)?>

    init(on loop: any Loop, _ completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void) {
        self.loop = loop
        self.completion = Mutex(completion)
    }

    @discardableResult
    func give(_ result: Result<any Link, ConnectError>) -> Bool {
        guard let completion = completion.withLock({ $0.take() }) else { return false }
        loop.execute { completion(result) }
        return true
    }
}
