/// What is filled in where nothing was given.
extension ContainerConfiguration {
    var roles: [String] { list("process.roles") }
    var isBroker: Bool { roles.contains("broker") }
    var isController: Bool { roles.contains("controller") }
    /// The node is a cluster of its own.
    var isSingle: Bool { isBroker && isController && list("controller.quorum.voters").count <= 1 }

    mutating func completeRoles() throws(ConfigurationError) {
        if properties["zookeeper.connect"] != nil, properties["process.roles"] == nil {
            throw ConfigurationError(
                "zookeeper.connect is given but process.roles is not: there is no ZooKeeper mode. Set "
                    + "KAFKA_PROCESS_ROLES, KAFKA_NODE_ID and KAFKA_CONTROLLER_QUORUM_VOTERS instead")
        }
        if isStrict { return }
        fill("process.roles", "broker,controller")
        takeSelfAsQuorum()
        // broker.id is the older name; Kafka takes it for the node's id too.
        if let id = properties["broker.id"] { fill("node.id", id) }
        if isSingle { fill("node.id", ownVoter(ofAny: true)?.id ?? "1") }
    }

    mutating func completeDefaults() {
        if isStrict { return }
        if properties["log.dir"] == nil { fill("log.dirs", ContainerConfiguration.dataDirectory) }
        // Where the image's health check asks; reachable from inside of the container only.
        fill("admin.listener", "127.0.0.1:9644")
        guard isSingle else { return }
        fill("offsets.topic.replication.factor", "1")
        fill("transaction.state.log.replication.factor", "1")
        fill("transaction.state.log.min.isr", "1")
    }

    /// Sets a property that is not given; an empty value counts as given, as in Kafka's images.
    mutating func fill(_ key: String, _ value: String) {
        if properties[key] == nil { properties[key] = value }
    }

    /// One entry of `controller.quorum.voters`: this node's, or with `ofAny` the only one.
    func ownVoter(ofAny: Bool = false) -> (id: String, port: Int)? {
        let voters = list("controller.quorum.voters").compactMap { text -> (id: String, port: Int)? in
            guard let at = text.firstIndex(of: "@"), let colon = text.lastIndex(of: ":"),
                let port = Int(text[text.index(after: colon)...])
            else { return nil }
            return (String(text[..<at]), port)
        }
        return voters.first { ofAny || $0.id == properties["node.id"]?.trimmed }
    }

    /// Kafka 4's own `server.properties` names its one controller by `controller.quorum.bootstrap.servers`; a combined
    /// node that names only itself there is a quorum of one.
    private mutating func takeSelfAsQuorum() {
        let key = "controller.quorum.bootstrap.servers"
        let servers = list(key)
        guard servers.count == 1, list("controller.quorum.voters").isEmpty, isBroker, isController else { return }
        guard ["localhost", "127.0.0.1", hostName].contains(String(servers[0].prefix { $0 != ":" })) else { return }
        properties[key] = nil
        remarks.append("\(key)=\(servers[0]) names this node: taken as a quorum of one")
    }
}
