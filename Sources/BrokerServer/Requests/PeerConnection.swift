import Primitives
package import WireProtocol
package import World

/// Requests to one other node over one connection, which is made when it is first needed and again after it broke.
///
/// Versions are negotiated at each connection with ApiVersions: the peer may have been restarted as another release.
/// Many requests are in flight at once; the peer answers in order. When the connection ends, all of them fail at once
/// with the reason. A request that gets no answer in time closes it, as those behind it can't be answered either.
/// May be used from any thread; completions run on its loop.
package final class PeerConnection: Sendable {
    /// Takes the answer, or why there is none; on the loop.
    package typealias Completion<Value> = @Sendable (Result<Value, PeerError>) -> Void

    package let endpoint: Endpoint
    package let loop: any Loop
    private let clock: any Clock
    private let clientID: String
    private let core: PeerLink

    /// - Parameter whenEnded: Called on the loop each time an open connection ends or one can't be made.
    package init(
        to endpoint: Endpoint, clientID: String, network: any Network, clock: any Clock, loop: any Loop,
        limits: PeerLimits = PeerLimits(), whenEnded: @escaping @Sendable (PeerError) -> Void = { _ in }
    ) {
        self.endpoint = endpoint
        self.loop = loop
        self.clock = clock
        self.clientID = clientID
        core = PeerLink(
            to: endpoint, clientID: clientID, network: network, clock: clock, loop: loop, limits: limits,
            whenEnded: whenEnded)
    }

    deinit { loop.execute { [core] in core.shutDown() } }

    /// Sends a request in the greatest version that both sides speak, from `minVersion` up to `maxVersion`.
    package func send<Request: WireRequest>(
        _ request: Request, minVersion: Int16? = nil, maxVersion: Int16? = nil, timeoutMilliseconds: Int64,
        completion: @escaping Completion<Request.Response>
    ) {
        sendRaw(
            request, minVersion: minVersion, maxVersion: maxVersion, timeoutMilliseconds: timeoutMilliseconds
        ) { [core] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let raw):
                do throws(WireError) {
                    completion(.success(try Request.Response.decode(raw.body, version: raw.version)))
                } catch {
                    completion(.failure(.malformed(error)))
                    core.fail(.malformed(error))
                }
            }
        }
    }

    /// Sends a request and hands its response on unread.
    package func sendRaw<Request: WireRequest>(
        _ request: Request, minVersion: Int16? = nil, maxVersion: Int16? = nil, timeoutMilliseconds: Int64,
        completion: @escaping Completion<RawResponse>
    ) {
        let newest = min(maxVersion ?? Request.versions.upperBound, Request.versions.upperBound)
        let oldest = max(minVersion ?? Request.versions.lowerBound, Request.versions.lowerBound)
        precondition(newest >= oldest, "no version of the request is wanted")
        let clientID = clientID
        let pending = PeerRequest(
            key: Request.key, versions: oldest...newest, firstFlexible: Request.firstFlexible,
            deadline: clock.now.advanced(byMilliseconds: timeoutMilliseconds),
            encode: { version, correlationID in
                WireFrame.request(request, version: version, correlationID: correlationID, clientID: clientID)
            }, finish: completion)
        onLoop { $0.submit(pending) }
    }

    /// Fails what waits with `shutDown` and closes the connection for good.
    package func shutDown() { onLoop { $0.shutDown() } }

    private func onLoop(_ work: @escaping @Sendable (PeerLink) -> Void) {
        if loop.isCurrent { return work(core) }
        loop.execute { [core] in work(core) }
    }
}

/// The bounds of a connection to a peer.
package struct PeerLimits: Hashable, Sendable {
    /// Requests that wait or are in flight; more fail at once.
    package var requestsMax = 256
    /// Time for a connection to be made, and again for versions to be agreed on.
    package var connectTimeoutMilliseconds: Int64 = 1_000
    /// Wait before a connection that could not be made is tried again: doubled from the first to the last.
    package var backoffMilliseconds: ClosedRange<Int64> = 20...1_000
    /// The largest response.
    package var frameBytesMax = 128 << 20

    package init() {}
}
