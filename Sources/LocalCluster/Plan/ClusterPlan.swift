package import World

/// What a cluster on this machine consists of: how many nodes, on which ports, under which id.
///
/// Node N, counted from 1, serves clients at `basePort` + N − 1. The admin ports and the controllers stand 5,000 and
/// 10,000 ports further up, so that a range of client ports stays free of anything else.
package struct ClusterPlan: Hashable, Sendable {
    /// Nodes beyond this are brokers only: more voters make the quorum slower, not safer.
    package static let votersMax = 5
    /// The most nodes that one machine is asked to hold.
    package static let nodesMax = 100
    package static let controllerPortDistance = 10_000
    static let adminPortDistance = 5_000

    package let clusterID: String
    package let nodeCount: Int
    package let basePort: Int
    /// Stands for the node's number in an override, so that each gets a rack or a disk of its own.
    static let nodePlaceholder = "{node}"

    /// Lines that go into the configuration of every node, after ours.
    package let overrides: [String]

    /// Checks that all ports exist.
    package init(clusterID: String, nodeCount: Int, basePort: Int, overrides: [String] = []) throws(ClusterError) {
        guard (1...ClusterPlan.nodesMax).contains(nodeCount) else {
            throw .badPlan("--nodes \(nodeCount): expected a number from 1 to \(ClusterPlan.nodesMax)")
        }
        let basePortMax = 65_536 - ClusterPlan.controllerPortDistance - nodeCount
        guard (1...basePortMax).contains(basePort) else {
            throw .badPlan(
                "--base-port \(basePort): expected a port from 1 to \(basePortMax), as controllers listen "
                    + "\(ClusterPlan.controllerPortDistance) ports further up")
        }
        for line in overrides where !line.contains("=") {
            throw .badPlan("--override \(line): expected key=value")
        }
        self.clusterID = clusterID
        self.nodeCount = nodeCount
        self.basePort = basePort
        self.overrides = overrides
    }

    /// The numbers of all nodes, from 1.
    package var nodes: ClosedRange<Int> { 1...nodeCount }

    /// Where clients reach a node.
    package func clientEndpoint(of node: Int) -> Endpoint {
        Endpoint(host: "127.0.0.1", port: basePort + node - 1)
    }

    /// Where a node's controller listens.
    package func controllerEndpoint(of node: Int) -> Endpoint {
        Endpoint(host: "127.0.0.1", port: clientEndpoint(of: node).port + ClusterPlan.controllerPortDistance)
    }

    /// Where a node serves metrics, health and readiness.
    package func adminEndpoint(of node: Int) -> Endpoint {
        Endpoint(host: "127.0.0.1", port: clientEndpoint(of: node).port + ClusterPlan.adminPortDistance)
    }

    /// What clients are given to start with: all nodes.
    package var bootstrapServers: String {
        nodes.map { clientEndpoint(of: $0).description }.joined(separator: ",")
    }

    /// Replicas of a topic for which nobody says a number, and of the internal topics.
    package var replicationFactor: Int { min(3, nodeCount) }

    /// Replicas that must be in sync for acks=all: one may be down where there are three.
    package var minInSyncReplicas: Int { nodeCount >= 3 ? 2 : 1 }

    /// The `server.properties` of one node.
    package func serverProperties(of node: Int, dataDirectory: String) -> String {
        let voters = nodes.prefix(ClusterPlan.votersMax)
        let isVoter = voters.contains(node)
        let client = "PLAINTEXT://\(clientEndpoint(of: node))"
        let controller = "CONTROLLER://\(controllerEndpoint(of: node))"
        var lines = [
            "# Written by `martlet cluster up`; node \(node) of \(nodeCount).",
            "process.roles=\(isVoter ? "broker,controller" : "broker")",
            "node.id=\(node)",
            "cluster.id=\(clusterID)",
            "controller.quorum.voters="
                + voters.map { "\($0)@\(controllerEndpoint(of: $0))" }.joined(separator: ","),
            "listeners=\(isVoter ? client + "," + controller : client)",
            "advertised.listeners=\(client)",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name=PLAINTEXT",
            "controller.listener.names=CONTROLLER",
            "admin.listener=\(adminEndpoint(of: node))",
            "log.dirs=\(dataDirectory)",
            "default.replication.factor=\(replicationFactor)",
            "min.insync.replicas=\(minInSyncReplicas)",
            "offsets.topic.replication.factor=\(replicationFactor)",
            "transaction.state.log.replication.factor=\(replicationFactor)",
            "transaction.state.log.min.isr=\(min(2, replicationFactor))",
            // Kafka's sample configuration has it, too: who tries a consumer out does not wait for others to join.
            "group.initial.rebalance.delay.ms=0",
        ]
        let port = clientEndpoint(of: node).port
        let own = overrides.map {
            ClusterPlan.withPorts($0.replacing(ClusterPlan.nodePlaceholder, with: "\(node)"), port)
        }
        let replaced = Set(own.map(ClusterPlan.key))
        lines.removeAll { replaced.contains(ClusterPlan.key($0)) }
        return (lines + own).joined(separator: "\n") + "\n"
    }

    /// Puts numbers in the place of `{port}`, the node's client port, and of `{port+N}`.
    private static func withPorts(_ line: String, _ port: Int) -> String {
        var pieces = line.split(separator: "{port", omittingEmptySubsequences: false)[...]
        var text = String(pieces.removeFirst())
        for piece in pieces {
            guard let end = piece.firstIndex(of: "}"),
                let distance = end == piece.startIndex ? 0 : Int(piece[..<end])
            else {
                text += "{port" + piece
                continue
            }
            text += "\(port + distance)" + piece[piece.index(after: end)...]
        }
        return text
    }

    private static func key(_ line: String) -> String { String(line.prefix { $0 != "=" }) }

    /// The text of `cluster.properties`, from which a later command knows the cluster.
    package var text: String {
        var lines = ["cluster.id=\(clusterID)", "nodes=\(nodeCount)", "base.port=\(basePort)"]
        lines += overrides.map { "override.\($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Reads what `text` wrote.
    package init(parsing text: String, path: String) throws(ClusterError) {
        var values: [String: String] = [:]
        var overrides: [String] = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw .badPlan("\(path): no key=value: \(line)") }
            if parts[0].hasPrefix("override.") {
                overrides.append(String(line.dropFirst("override.".count)))
            } else {
                values[String(parts[0])] = String(parts[1])
            }
        }
        guard let clusterID = values["cluster.id"], let nodes = values["nodes"].flatMap({ Int($0) }),
            let basePort = values["base.port"].flatMap({ Int($0) })
        else { throw .badPlan("\(path): expected cluster.id, nodes and base.port") }
        try self.init(clusterID: clusterID, nodeCount: nodes, basePort: basePort, overrides: overrides)
    }
}
