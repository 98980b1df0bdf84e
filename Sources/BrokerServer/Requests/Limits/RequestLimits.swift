/// The bounds that a node sets its clients. All are on by default; Kafka leaves most of them off.
package struct RequestLimits: Hashable, Sendable {
    /// What one listener adds to the bounds of the node.
    package struct OfListener: Hashable, Sendable {
        /// Open connections (`listener.name.<listener>.max.connections`); nil sets no bound of its own.
        package var connectionsMax: Int?
        /// New connections in a second (`listener.name.<listener>.max.connection.creation.rate`).
        package var connectionsPerSecond: Int?

        package init() {}
    }

    /// The largest request (`socket.request.max.bytes`).
    package var frameBytesMax = 100 << 20
    /// Requests of one connection that wait or are unanswered; the rest stays in its socket.
    package var requestsMax = 64
    /// Bytes of these requests, unless one alone is larger.
    package var requestBytesMax = 16 << 20
    /// How long a connection without a request stays open (`connections.max.idle.ms`).
    package var idleMilliseconds: Int64 = 600_000
    /// How long a connection that has answers waiting may take none of them.
    package var stallMilliseconds: Int64 = 30_000

    /// Open connections (`max.connections`).
    package var connectionsMax = 10_000
    /// Open connections from one address (`max.connections.per.ip`).
    package var connectionsPerAddressMax = 1_000
    /// The same for certain addresses (`max.connections.per.ip.overrides`).
    package var connectionsByAddressMax: [String: Int] = [:]
    /// New connections in a second (`max.connection.creation.rate`); those above it wait before they are served.
    package var connectionsPerSecond = 500
    /// By the name of a listener in lower case.
    package var listeners: [String: OfListener] = [:]

    /// Memory that clients make the node hold: requests being read, waiting or unanswered, and answers that are not
    /// taken (`queued.max.request.bytes`). Above it nothing more is read.
    package var heldBytesMax = 1 << 30

    package init() {}

    /// Connections that may be open from `address`.
    func connectionsMax(from address: String) -> Int { connectionsByAddressMax[address] ?? connectionsPerAddressMax }

    func of(_ listener: ListenerIdentity) -> OfListener { listeners[listener.name.lowercased()] ?? OfListener() }
}
