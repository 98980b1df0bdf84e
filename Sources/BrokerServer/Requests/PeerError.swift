package import WireProtocol
package import World

/// Why a request to another node has no response.
package enum PeerError: Error, Hashable, Sendable {
    /// Nothing listens at the address: no process is there. Proof of death, once probed.
    case refused
    /// No answer to the connection attempt, or no route, or an unknown name.
    case unreachable(reason: String)
    /// The connection ended before the response; the request may or may not have been executed.
    case closed(LinkEnd)
    /// No response within the request's time; it may or may not have been executed.
    case timedOut
    /// The peer does not speak the API in any version that is wanted. Nothing was sent.
    case unsupported
    /// The peer's response can't be read; the connection is closed.
    case malformed(WireError)
    /// Too many requests wait for this peer. Nothing was sent.
    case queueFull
    /// This side shut the connection. Nothing more is sent.
    case shutDown
}
