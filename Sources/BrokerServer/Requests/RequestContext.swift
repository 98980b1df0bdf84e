package import Primitives
package import Security
import Synchronization
package import WireProtocol
package import World

/// All that a handler may know about a request beyond its body.
package struct RequestContext: Sendable {
    package let header: RequestHeader
    /// What is the same for all requests of a connection.
    package let connection: ConnectionIdentity
    /// When its frame was complete.
    package let receivedAt: MonotonicInstant
    /// The raw body, for forwarding and for handlers that read records in place.
    package let bytes: Bytes
    /// The whole request with its header, for an Envelope.
    package let frame: Bytes

    package init(
        header: RequestHeader, connection: ConnectionIdentity, receivedAt: MonotonicInstant, bytes: Bytes, frame: Bytes
    ) {
        self.header = header
        self.connection = connection
        self.receivedAt = receivedAt
        self.bytes = bytes
        self.frame = frame
    }

    package var version: Int16 { header.version }
    package var clientID: String? { header.clientID }
    package var principal: Principal { connection.principal }
    package var listener: ListenerIdentity { connection.listener }
    package var remote: Endpoint { connection.remote }
    /// The loop that the connection lives on; `handle` is called there.
    package var loop: any Loop { connection.loop }
}

/// What is the same for all requests of one connection.
package final class ConnectionIdentity: Sendable {
    /// Unique among the connections of this process.
    package let id: UInt64
    package let listener: ListenerIdentity
    package let principal: Principal
    package let remote: Endpoint
    /// The address and port on which the connection came in.
    package let local: Endpoint
    package let loop: any Loop
    private let saidMartlet = Atomic<Bool>(false)
    private let waiting = Mutex<(any WaitingRequest)?>(nil)

    package init(
        id: UInt64, listener: ListenerIdentity, principal: Principal, remote: Endpoint, local: Endpoint, loop: any Loop
    ) {
        self.id = id
        self.listener = listener
        self.principal = principal
        self.remote = remote
        self.local = local
        self.loop = loop
    }

    /// Whether the other end has named itself a Martlet in ApiVersions. From any thread.
    package var isMartlet: Bool { saidMartlet.load(ordering: .relaxed) }

    /// Takes down what ApiVersions tells of the other end's software.
    func note(softwareName: String) {
        saidMartlet.store(softwareName == ApiVersionsHandler.ownSoftwareName, ordering: .relaxed)
    }

    /// The request that is being answered waits, and is to be told when another one comes; nil when it waits no longer.
    func waits(_ request: (any WaitingRequest)?) { waiting.withLock { $0 = request } }

    /// A request came that is not started before the one that waits is answered.
    func hastenWaiting() { waiting.withLock { $0.take() }?.hasten() }
}
