package import Primitives
package import World

/// A static voter of the quorum, as `controller.quorum.voters` names it.
package struct VoterAddress: Hashable, Sendable {
    package let id: BrokerID
    package let endpoint: Endpoint

    package init(id: BrokerID, endpoint: Endpoint) {
        self.id = id
        self.endpoint = endpoint
    }

    /// Reads `id@host:port`.
    package init(parsing text: String) throws(ConfigurationError) {
        let complaint = ConfigurationError("controller.quorum.voters: `\(text)` is not of the form id@host:port")
        guard let at = text.firstIndex(of: "@"), let id = Int32(text[..<at]), id >= 0 else { throw complaint }
        let address = text[text.index(after: at)...]
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]),
            (1...65535).contains(port), colon != address.startIndex
        else { throw complaint }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.init(id: BrokerID(id), endpoint: Endpoint(host: host, port: port))
    }
}
