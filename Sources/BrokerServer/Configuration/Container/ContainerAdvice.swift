import World

/// What a node in a container says of its listeners before anybody has trouble with them.
package struct ContainerAdvice: Sendable {
    package let sentences: [String]

    package init(_ configuration: NodeConfiguration, hostName: String) {
        guard configuration.isBroker else {
            sentences = []
            return
        }
        sentences =
            ContainerAdvice.boundNames(configuration) + ContainerAdvice.outsideClients(configuration, hostName)
            + ContainerAdvice.localPeers(configuration)
    }

    /// A listener at one name answers at that address only: not at localhost, where health checks knock.
    private static func boundNames(_ configuration: NodeConfiguration) -> [String] {
        configuration.clientListeners.filter { !["", "0.0.0.0", "::"].contains($0.endpoint.host) && !isLocal($0) }
            .map { listener in
                "listener \(listener.name) answers at \(listener.endpoint.host) only: a health check or tool that "
                    + "connects to localhost:\(listener.endpoint.port) in this container is refused. Use "
                    + "\(listener.name)://:\(listener.endpoint.port) in KAFKA_LISTENERS to answer at every address"
            }
    }

    /// A container can't see its published port; only who wrote the compose file knows it.
    private static func outsideClients(_ configuration: NodeConfiguration, _ hostName: String) -> [String] {
        guard configuration.settings.optionalString("outside.advertised.address") == nil else { return [] }
        let advertised = configuration.advertisedListeners
        // An address, a full name or localhost may well be reachable from outside; a container's short name is not.
        guard !advertised.isEmpty, advertised.allSatisfy({ isContainerName($0.endpoint.host, hostName) }) else {
            return []
        }
        let address = advertised[0].endpoint
        return [
            "clients outside the containers' network are told to connect to \(address), a name that they can't "
                + "resolve. If they should, add one line to the environment of each node, with the port that is "
                + "published for it: KAFKA_OUTSIDE_ADVERTISED_ADDRESS: localhost:\(address.port)"
        ]
    }

    /// Peers on other hosts would talk to themselves.
    private static func localPeers(_ configuration: NodeConfiguration) -> [String] {
        let peers = configuration.voters.filter { $0.id != configuration.nodeID }
        guard peers.contains(where: { !isLocal($0.endpoint.host) }) else { return [] }
        return configuration.advertisedListeners
            .filter { $0.name == configuration.interBrokerListenerName && isLocal($0) }
            .map { listener in
                "listener \(listener.name), which brokers use among themselves, is advertised as "
                    + "\(listener.endpoint): the other nodes can't reach this one there. Advertise it by this node's "
                    + "host name in KAFKA_ADVERTISED_LISTENERS"
            }
    }

    private static func isLocal(_ listener: ListenerConfiguration) -> Bool { isLocal(listener.endpoint.host) }

    private static func isLocal(_ host: String) -> Bool {
        host == "localhost" || host.hasPrefix("127.") || host == "::1"
    }

    private static func isContainerName(_ host: String, _ hostName: String) -> Bool {
        host == hostName || !host.contains(".") && !host.contains(":") && !isLocal(host)
    }
}
