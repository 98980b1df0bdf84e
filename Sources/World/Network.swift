package import Primitives

/// A host name or address and a port.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// One piece of what leaves on a link, in order.
package enum Segment: Sendable {
    case bytes(Bytes)
    /// A range of a file; a live link sends it without copying (`sendfile`).
    case file(any File, position: Int64, count: Int)

    package var count: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .file(_, _, let count): count
        }
    }
}

/// Why a link ended.
package enum LinkEnd: Hashable, Sendable {
    /// The other side closed it in order, or this side asked for it.
    case closed
    /// The other side or the network broke it.
    case reset
    /// Nothing accepted the connection: no process listens there. Proof of death for a probe.
    case refused
    /// No answer in the given time, or no route: silence, not proof.
    case unreachable
    /// A frame was longer than allowed, or its length negative.
    case badFrame
}

/// A connection that carries frames (4-byte length, then as many bytes), seen from the node's side; one of
/// `listenUnframed` carries bytes as they come.
///
/// A link belongs to one loop for life; all its methods but `close` are called on that loop only.
package protocol Link: AnyObject, Sendable {
    var loop: any Loop { get }
    /// The other side, for logs and limits.
    var remote: Endpoint { get }
    /// This side.
    var local: Endpoint { get }

    /// Queues segments behind what was queued before. All that is queued in one loop round leaves in one send at the
    /// end of that round. The 4-byte length is part of the segments; the link adds nothing.
    func send(_ segments: [Segment])

    /// Bytes queued and not yet taken by the socket.
    var queuedBytes: Int { get }

    /// Stops or goes on reading from the socket: the back-pressure of a full pipeline.
    func setReading(_ isReading: Bool)

    /// The largest frame that is accepted from now on.
    func setFrameLimit(bytes: Int)

    /// Sends what is queued, then closes. May be called from anywhere.
    func close()

    /// Ends at once and drops what is queued. May be called from anywhere.
    func reset()
}

/// When a link counts as congested.
package enum LinkQueue {
    /// More bytes than this are queued: the link is congested.
    package static let highBytes = 1 << 20
    /// A congested link has drained when fewer than this are left.
    package static let lowBytes = 256 << 10
}

/// Who owns what arrives on a link. Called on the link's loop only.
package protocol LinkHandler: AnyObject, Sendable {
    /// A whole frame arrived, without its length. Its bytes may be kept and patched: nobody else has them.
    func frameReceived(_ frame: Bytes)
    /// All frames of this round have been handed over.
    func roundReceived()
    /// The queue has drained below `LinkQueue.lowBytes` after it was above `LinkQueue.highBytes`.
    func queueDrained()
    /// The link holds so many bytes that are not handed over yet, those of a frame that is not whole among them.
    func partialBytesChanged(to bytes: Int)
    /// The last call for this link.
    func linkEnded(_ end: LinkEnd)
}

extension LinkHandler {
    package func partialBytesChanged(to bytes: Int) {}
}

/// An open listening socket.
package protocol Listener: AnyObject, Sendable {
    /// The port it got, where 0 was asked for.
    var port: Int { get }
    func close()
}

/// Why a listening socket could not be had.
package enum ListenError: Error, Hashable, Sendable {
    case addressInUse(Endpoint)
    case cannotBind(Endpoint, reason: String)
}

/// A node's view of the network.
package protocol Network: AnyObject, Sendable {
    /// Accepts connections at `endpoint`; each new link belongs to one of the open ones of `loops` (one loop, or the
    /// data loops), and `accept` (called on that loop) gives its handler, or nil to refuse it.
    func listen(
        at endpoint: Endpoint, on loops: LoopGroup, frameLimitBytes: Int,
        accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener

    /// The same for connections without frames (HTTP): what each read brings is handed to `frameReceived` as it is.
    func listenUnframed(
        at endpoint: Endpoint, on loops: LoopGroup, accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener

    /// Connects; `completion` runs on `loop` with the link, or with `refused` or `unreachable`. The handler's calls
    /// start after `completion` returned.
    func connect(
        to endpoint: Endpoint, on loop: any Loop, timeoutMilliseconds: Int64, frameLimitBytes: Int,
        handler: any LinkHandler, completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void)
}

/// Why a connection could not be made.
package enum ConnectError: Error, Hashable, Sendable {
    /// Nothing listens there: the process is gone.
    case refused
    /// No answer in time or no route.
    case unreachable(reason: String)
    /// The host name could not be resolved.
    case unknownHost(String)
}
