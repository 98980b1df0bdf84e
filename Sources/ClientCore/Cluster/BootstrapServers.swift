package import World

/// The addresses that a client is given to start with.
package struct BootstrapServers: Hashable, Sendable {
    /// Why a list of addresses can't be used; the text names the part.
    package struct ParseError: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// At least one, in the order given.
    package let endpoints: [Endpoint]

    /// Reads `host:port,host:port`; an IPv6 address stands in brackets.
    package init(parsing text: String) throws(ParseError) {
        var endpoints: [Endpoint] = []
        for part in text.split(separator: ",") {
            let trimmed = part.drop { $0 == " " }.prefix { $0 != " " }
            guard !trimmed.isEmpty else { continue }
            endpoints.append(try BootstrapServers.endpoint(trimmed))
        }
        guard !endpoints.isEmpty else {
            throw ParseError(description: "No bootstrap servers given: expected host:port")
        }
        self.endpoints = endpoints
    }

    private static func endpoint(_ text: Substring) throws(ParseError) -> Endpoint {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else {
            throw ParseError(description: "Invalid url in bootstrap.servers: \(text)")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, (1...65_535).contains(port) else {
            throw ParseError(description: "Invalid url in bootstrap.servers: \(text)")
        }
        return Endpoint(host: String(host), port: port)
    }
}
