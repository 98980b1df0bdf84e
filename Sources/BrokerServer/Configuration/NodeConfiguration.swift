package import Primitives
package import World

/// What a node is: id, roles, listeners, voters, directories; with the settings it was read from.
package struct NodeConfiguration: Sendable {
    package let settings: Settings
    package let nodeID: BrokerID
    package let isBroker: Bool
    package let isController: Bool
    /// Where it binds, client-side listeners and controller listeners together.
    package let listeners: [ListenerConfiguration]
    /// What is told to clients and other brokers; never a controller listener.
    package let advertisedListeners: [ListenerConfiguration]
    package let controllerListenerNames: [String]
    /// Who is told another address than the advertised ones; nil where nobody is.
    package let outsideClients: OutsideClients?
    package let interBrokerListenerName: String
    /// The static voters. A combined node that names none forms a quorum of itself.
    package let voters: [VoterAddress]
    /// Where to ask for the quorum's leader; with it the voters may be dynamic.
    package let bootstrapServers: [Endpoint]
    /// Where other nodes reach this one as a controller, the first listener of `controller.listener.names` first.
    package let controllerEndpoints: [ListenerConfiguration]
    package let logDirectories: [String]
    package let metadataLogDirectory: String
    /// Known from the configuration; an unformatted directory is formatted in place with it.
    package let clusterID: String?
    /// Where the admin port is opened; nil where there is none.
    package let adminEndpoint: Endpoint?

    package init(_ settings: Settings) throws(ConfigurationError) {
        self.settings = settings
        nodeID = try NodeConfiguration.parsedID(settings)
        let roles = settings.list("process.roles")
        for role in roles where role != "broker" && role != "controller" {
            throw ConfigurationError("process.roles=\(role): expected broker, controller or both")
        }
        isBroker = roles.contains("broker")
        isController = roles.contains("controller")
        guard isBroker || isController else {
            throw ConfigurationError("process.roles is empty; expected broker, controller or both")
        }
        controllerListenerNames = settings.list("controller.listener.names").map { $0.uppercased() }
        listeners = try NodeConfiguration.parsedListeners(settings, "listeners")
        bootstrapServers = try QuorumAddresses.bootstrapServers(settings)
        let isSole = isBroker && isController && bootstrapServers.isEmpty
        voters = try NodeConfiguration.parsedVoters(
            settings, sole: isSole ? nodeID : nil, listeners, controllerListenerNames)
        controllerEndpoints =
            isController
            ? QuorumAddresses.own(
                nodeID, voters, listeners, names: controllerListenerNames,
                advertised: try NodeConfiguration.parsedListeners(settings, "advertised.listeners")) : []
        let directories = settings.isGiven("log.dirs") ? settings.list("log.dirs") : [settings.string("log.dir")]
        guard let first = directories.first else { throw ConfigurationError("log.dirs is empty; name one directory") }
        logDirectories = directories
        metadataLogDirectory = settings.optionalString("metadata.log.dir") ?? first
        clusterID = settings.optionalString("cluster.id")
        adminEndpoint = try NodeConfiguration.adminEndpoint(settings)
        try NodeConfiguration.checkProtocols(settings, listeners)
        if let selector = settings.optionalString("replica.selector.class"),
            ReplicaSelection(className: selector) == nil
        {
            throw ConfigurationError(
                "replica.selector.class=\(selector): only org.apache.kafka.common.replica.RackAwareReplicaSelector is "
                    + "built in")
        }
        interBrokerListenerName = NodeConfiguration.interBrokerName(settings, listeners, controllerListenerNames)
        advertisedListeners = try NodeConfiguration.advertised(settings, listeners, controllerListenerNames)
        outsideClients = try OutsideClients(settings)
        try checkRoles()
    }

    private static func adminEndpoint(_ settings: Settings) throws(ConfigurationError) -> Endpoint? {
        let text = settings.string("admin.listener")
        if text.isEmpty { return nil }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), !text.contains("/")
        else { throw ConfigurationError("admin.listener: `\(text)` is not of the form host:port") }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return Endpoint(host: host, port: port)
    }

    /// The listeners of the broker role.
    package var clientListeners: [ListenerConfiguration] {
        isBroker ? listeners.filter { !controllerListenerNames.contains($0.name) } : []
    }

    /// The listeners of the controller role.
    package var controllerListeners: [ListenerConfiguration] {
        isController ? listeners.filter { controllerListenerNames.contains($0.name) } : []
    }

    private func checkRoles() throws(ConfigurationError) {
        guard !voters.isEmpty || !bootstrapServers.isEmpty else {
            throw ConfigurationError(
                "neither controller.quorum.voters nor controller.quorum.bootstrap.servers is given; name the voters as "
                    + "id@host:port,… or some controllers as host:port,…")
        }
        let isVoter = voters.contains { $0.id == nodeID }
        if isController, !isVoter, !voters.isEmpty {
            throw ConfigurationError("node.id=\(nodeID) is a controller but not one of controller.quorum.voters")
        }
        if !isController, isVoter {
            throw ConfigurationError("node.id=\(nodeID) is one of controller.quorum.voters but not a controller")
        }
        if isController, controllerListeners.isEmpty {
            throw ConfigurationError(
                "listeners has none of controller.listener.names=\(controllerListenerNames.joined(separator: ","))")
        }
        if isBroker, clientListeners.isEmpty { throw ConfigurationError("listeners has none for the broker role") }
        if isBroker, !advertisedListeners.contains(where: { $0.name == interBrokerListenerName }) {
            throw ConfigurationError("the listener for brokers, \(interBrokerListenerName), is not advertised")
        }
    }

    private static func parsedID(_ settings: Settings) throws(ConfigurationError) -> BrokerID {
        let (id, older) = (settings.optionalInteger("node.id"), settings.optionalInteger("broker.id"))
        guard let given = id ?? older else {
            throw ConfigurationError("node.id is not given; give each node of the cluster its own number")
        }
        if let older, older != given {
            throw ConfigurationError("node.id=\(given) and broker.id=\(older) differ; remove broker.id")
        }
        return BrokerID(Int32(given))
    }

    private static func parsedListeners(
        _ settings: Settings, _ key: String
    ) throws(ConfigurationError) -> [ListenerConfiguration] {
        var listeners: [ListenerConfiguration] = []
        for text in settings.list(key) {
            let listener = try ListenerConfiguration(parsing: text, key: key)
            if listeners.contains(where: { $0.name == listener.name }) {
                throw ConfigurationError("\(key): the name \(listener.name) stands there twice")
            }
            listeners.append(listener)
        }
        return listeners
    }

    private static func parsedVoters(
        _ settings: Settings, sole: BrokerID?, _ listeners: [ListenerConfiguration], _ controllerNames: [String]
    ) throws(ConfigurationError) -> [VoterAddress] {
        var voters: [VoterAddress] = []
        if settings.list("controller.quorum.voters").isEmpty, let sole,
            let listener = listeners.first(where: { controllerNames.contains($0.name) })
        {
            let host = isAnyAddress(listener.endpoint.host) ? "localhost" : listener.endpoint.host
            return [VoterAddress(id: sole, endpoint: Endpoint(host: host, port: listener.endpoint.port))]
        }
        for text in settings.list("controller.quorum.voters") {
            let voter = try VoterAddress(parsing: text)
            if voters.contains(where: { $0.id == voter.id }) {
                throw ConfigurationError("controller.quorum.voters: the id \(voter.id) stands there twice")
            }
            voters.append(voter)
        }
        return voters
    }

    static func isAnyAddress(_ host: String) -> Bool { ["", "0.0.0.0", "::"].contains(host) }

    private static func checkProtocols(
        _ settings: Settings, _ listeners: [ListenerConfiguration]
    ) throws(ConfigurationError) {
        var protocols: [String: String] = [:]
        for item in settings.list("listener.security.protocol.map") {
            guard let colon = item.firstIndex(of: ":") else {
                throw ConfigurationError("listener.security.protocol.map: `\(item)` is not of the form NAME:PROTOCOL")
            }
            protocols[item[..<colon].uppercased()] = item[item.index(after: colon)...].uppercased()
        }
        let between = settings.string("security.inter.broker.protocol").uppercased()
        guard between == "PLAINTEXT" else {
            throw ConfigurationError(
                "security.inter.broker.protocol=\(between): TLS and SASL are not built yet; use PLAINTEXT")
        }
        for listener in listeners {
            let implied = ["SSL", "SASL_SSL", "SASL_PLAINTEXT"].contains(listener.name) ? listener.name : "PLAINTEXT"
            let security = protocols[listener.name] ?? implied
            guard security == "PLAINTEXT" else {
                throw ConfigurationError(
                    "listener \(listener.name) asks for \(security): TLS and SASL are not built yet; use PLAINTEXT")
            }
        }
    }

    private static func interBrokerName(
        _ settings: Settings, _ listeners: [ListenerConfiguration], _ controllerNames: [String]
    ) -> String {
        if let name = settings.optionalString("inter.broker.listener.name") { return name.uppercased() }
        let byProtocol = settings.string("security.inter.broker.protocol").uppercased()
        let client = listeners.filter { !controllerNames.contains($0.name) }
        return client.contains { $0.name == byProtocol } ? byProtocol : client.first?.name ?? byProtocol
    }

    private static func advertised(
        _ settings: Settings, _ listeners: [ListenerConfiguration], _ controllerNames: [String]
    ) throws(ConfigurationError) -> [ListenerConfiguration] {
        let given = try parsedListeners(settings, "advertised.listeners")
        let client = given.filter { !controllerNames.contains($0.name) }
        for listener in client {
            guard listeners.contains(where: { $0.name == listener.name }) else {
                throw ConfigurationError("advertised.listeners: \(listener.name) is not one of listeners")
            }
            if isAnyAddress(listener.endpoint.host) {
                throw ConfigurationError(
                    "advertised.listeners: \(listener.name)://\(listener.endpoint) can't be connected to; name the "
                        + "host that clients reach this node by")
            }
        }
        if !client.isEmpty { return client }
        return listeners.filter { !controllerNames.contains($0.name) }.map { listener in
            let host = isAnyAddress(listener.endpoint.host) ? "localhost" : listener.endpoint.host
            return ListenerConfiguration(
                name: listener.name, endpoint: Endpoint(host: host, port: listener.endpoint.port))
        }
    }
}
