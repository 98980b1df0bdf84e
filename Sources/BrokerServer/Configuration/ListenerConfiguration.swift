package import World

/// One listener: its name, its protocol, where it binds or what is told to others.
package struct ListenerConfiguration: Hashable, Sendable {
    /// Upper case, as in `listeners`.
    package let name: String
    package let endpoint: Endpoint

    package init(name: String, endpoint: Endpoint) {
        self.name = name
        self.endpoint = endpoint
    }

    /// Reads `NAME://host:port`; an empty host stands for all addresses.
    package init(parsing text: String, key: String) throws(ConfigurationError) {
        guard let separator = text.firstRange(of: "://") else {
            throw ConfigurationError("\(key): `\(text)` is not of the form NAME://host:port")
        }
        let name = text[..<separator.lowerBound].uppercased()
        let address = text[separator.upperBound...]
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]),
            (0...65535).contains(port)
        else { throw ConfigurationError("\(key): `\(text)` has no port; expected NAME://host:port") }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !name.isEmpty else { throw ConfigurationError("\(key): `\(text)` has no listener name") }
        self.init(name: name, endpoint: Endpoint(host: host, port: port))
    }
}
