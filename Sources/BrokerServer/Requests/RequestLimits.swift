/// The bounds that a listener sets its connections.
package struct RequestLimits: Hashable, Sendable {
    /// The largest request (`socket.request.max.bytes`).
    package var frameBytesMax = 100 << 20
    /// Requests of one connection that wait or are unanswered; the rest stays in its socket.
    package var requestsMax = 64
    /// Bytes of these requests, unless one alone is larger.
    package var requestBytesMax = 16 << 20
    /// How long a connection without a request stays open (`connections.max.idle.ms`).
    package var idleMilliseconds: Int64 = 600_000
    /// Open connections (`max.connections`).
    package var connectionsMax = 10_000
    /// Open connections from one address (`max.connections.per.ip`).
    package var connectionsPerAddressMax = 1_000

    package init() {}
}
