import LocalCluster
import NIOCore
import NIOPosix
import Primitives
import Synchronization
import World

/// Stands between the nodes: each connection from one to another goes through here, so that it can be cut, slowed down
/// and reset, for each direction by itself. Clients reach the nodes without it.
final class LinkProxy: Sendable {
    /// Where it listens for brokers, and where the brokers listen themselves, from the client port of a node on.
    static let replicationProxyDistance = 20
    static let replicationDistance = 10
    /// The same from the port of a node's controller on.
    static let controllerProxyDistance = 20

    private struct State {
        var rules: [LinkRule.Way: LinkRule] = [:]
        var connections: [ObjectIdentifier: LinkConnection] = [:]
        var listening: [any Channel] = []
        var strangers = 0
    }

    private let processes: NodeProcesses
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let state = Mutex(State())

    /// Lines that send the nodes of a cluster through the proxy.
    static func overrides(nodes: ClosedRange<Int>, basePort: Int) -> [String] {
        let voters = nodes.map { node in
            "\(node)@127.0.0.1:\(basePort + node - 1 + ClusterPlan.controllerPortDistance + controllerProxyDistance)"
        }
        return [
            "listeners=PLAINTEXT://127.0.0.1:{port},REPLICATION://127.0.0.1:{port+\(replicationDistance)},"
                + "CONTROLLER://127.0.0.1:{port+\(ClusterPlan.controllerPortDistance)}",
            "advertised.listeners=PLAINTEXT://127.0.0.1:{port},"
                + "REPLICATION://127.0.0.1:{port+\(replicationProxyDistance)}",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,REPLICATION:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name=REPLICATION",
            "controller.quorum.voters=" + voters.joined(separator: ","),
        ]
    }

    init(_ processes: NodeProcesses) { self.processes = processes }

    /// Opens the ports for all nodes.
    func open() async throws {
        for node in processes.plan.nodes {
            let client = processes.plan.clientEndpoint(of: node).port
            let controller = processes.plan.controllerEndpoint(of: node).port
            try await listen(
                client + LinkProxy.replicationProxyDistance, client + LinkProxy.replicationDistance, node, .replication)
            try await listen(controller + LinkProxy.controllerProxyDistance, controller, node, .controller)
        }
    }

    func close() async {
        let listening = state.withLock { $0.listening }
        for channel in listening { try? await channel.close() }
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections { await connection.resetAndWait() }
        try? await group.shutdownGracefully()
    }

    private func listen(_ port: Int, _ target: Int, _ node: Int, _ channel: LinkRule.Channel) async throws {
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { [self] near in
                near.eventLoop.makeCompletedFuture {
                    let connection = LinkConnection(
                        near: near, target: target, to: node, channel, self, source: source(of: near, port))
                    try near.pipeline.syncOperations.addHandler(LinkEar(connection, isNear: true))
                    add(connection)
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        state.withLock { $0.listening.append(channel) }
    }

    private func source(of near: any Channel, _ port: Int) -> Int? {
        guard let remote = near.remoteAddress?.port else { return nil }
        let living = processes.plan.nodes.compactMap { node -> (node: Int, processID: Int32)? in
            switch try? processes.state(of: node) {
            case .running(let process), .paused(let process): (node, process.processID)
            case .crashed, .stopped, nil: nil
            }
        }
        let found = SocketOwner.find(among: living, from: remote, to: port)
        if found == nil { state.withLock { $0.strangers += 1 } }
        return found
    }

    private func add(_ connection: LinkConnection) {
        state.withLock { $0.connections[ObjectIdentifier(connection)] = connection }
    }

    func remove(_ connection: LinkConnection) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    /// What holds for one direction; of a connection whose owner is not known, nothing special.
    func rule(from source: Int?, to target: Int?, _ channel: LinkRule.Channel) -> LinkRule {
        guard let source, let target else { return LinkRule() }
        return state.withLock { $0.rules[LinkRule.Way(from: source, to: target, channel: channel)] } ?? LinkRule()
    }

    /// Sets what holds from `sources` to `targets`, for nodes that differ; no rule heals.
    func set(
        _ rule: LinkRule?, from sources: [Int], to targets: [Int],
        _ channels: [LinkRule.Channel] = LinkRule.Channel.allCases
    ) {
        let connections = state.withLock { state in
            for source in sources {
                for target in targets where target != source {
                    for channel in channels {
                        state.rules[LinkRule.Way(from: source, to: target, channel: channel)] = rule
                    }
                }
            }
            return Array(state.connections.values)
        }
        for connection in connections { connection.lookAgain() }
    }

    /// Ends every connection between two nodes with a reset; returns how many.
    func resetAll() -> Int {
        let connections = state.withLock { Array($0.connections.values) }
        for connection in connections { connection.reset() }
        return connections.count
    }
}
