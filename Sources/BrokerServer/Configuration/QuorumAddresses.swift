import Primitives
import World

/// The addresses of controllers in a node's configuration.
enum QuorumAddresses {
    /// `controller.quorum.bootstrap.servers`: host:port, comma separated.
    static func bootstrapServers(_ settings: Settings) throws(ConfigurationError) -> [Endpoint] {
        var servers: [Endpoint] = []
        for text in settings.list("controller.quorum.bootstrap.servers") {
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (1...65535).contains(port), colon != text.startIndex, !text.contains("@"), !text.contains("/")
            else {
                throw ConfigurationError(
                    "controller.quorum.bootstrap.servers: `\(text)` is not of the form host:port")
            }
            var host = String(text[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            servers.append(Endpoint(host: host, port: port))
        }
        return servers
    }

    /// Where other nodes reach this controller: what is advertised for a controller listener, else where it binds; a
    /// static voter is where `controller.quorum.voters` says.
    static func own(
        _ id: BrokerID, _ voters: [VoterAddress], _ listeners: [ListenerConfiguration], names: [String],
        advertised: [ListenerConfiguration]
    ) -> [ListenerConfiguration] {
        let voter = voters.first { $0.id == id }
        return names.compactMap { name in
            guard let bound = listeners.first(where: { $0.name == name }) else { return nil }
            if let told = advertised.first(where: { $0.name == name }) { return told }
            let isOpen = NodeConfiguration.isAnyAddress(bound.endpoint.host)
            let host = voter?.endpoint.host ?? (isOpen ? "localhost" : bound.endpoint.host)
            return ListenerConfiguration(name: name, endpoint: Endpoint(host: host, port: bound.endpoint.port))
        }
    }
}
