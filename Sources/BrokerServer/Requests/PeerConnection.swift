package import Primitives
package import WireProtocol
package import World

/// Requests to one other node over one connection that is made when it is needed and made again after it broke.
///
/// May be used from any thread; completions run on its loop.
package final class PeerConnection: Sendable {
    package typealias Completion<Value> = @Sendable (Result<Value, PeerError>) -> Void

    /// The bytes of a response, its header taken off: what a fetching replica slices records from without a copy.
    package struct RawResponse: Sendable {
        package let version: Int16
        package let body: Bytes
    }

    /// The bounds of a connection to a peer.
    package struct Limits: Sendable {
        /// Requests sent and not answered, or waiting to be sent.
        package var requestsMax = 256
        /// Time for a connection to be made.
        package var connectTimeoutMilliseconds: Int64 = 1_000
        /// First and longest wait before a connection that failed is tried again.
        package var backoffMilliseconds: ClosedRange<Int64> = 20...1_000
        /// Largest response.
        package var frameLimitBytes = 128 << 20

        package init() {}
    }

    package let endpoint: Endpoint
    package let loop: any Loop

    package init(
        to endpoint: Endpoint, clientID: String, network: any Network, clock: any Clock, loop: any Loop,
        limits: Limits = Limits()
    ) {
        self.endpoint = endpoint
        self.loop = loop
    }

    /// Sends a request in the greatest version that both sides speak, up to `maxVersion`.
    package func send<Request: WireRequest>(
        _ request: Request, maxVersion: Int16? = nil, timeoutMilliseconds: Int64,
        completion: @escaping Completion<Request.Response>
    ) {
    }

    /// Sends a request and hands its response on unread.
    package func sendRaw<Request: WireRequest>(
        _ request: Request, maxVersion: Int16? = nil, timeoutMilliseconds: Int64,
        completion: @escaping Completion<RawResponse>
    ) {
    }

    /// Fails what waits with `shutDown` and closes the connection for good.
    package func shutDown() {}
}
