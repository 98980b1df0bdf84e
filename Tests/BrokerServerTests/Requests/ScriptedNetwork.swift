import Primitives
import Synchronization
import World

/// A link whose other side is the test.
final class ScriptedLink: Link {
    private struct State {
        var sent: [UInt8] = []
        var queuedBytes = 0
        var isReading = true
        var isClosed = false
    }

    let loop: any Loop
    let remote = Endpoint(host: "10.0.0.1", port: 40_000)
    let local = Endpoint(host: "10.0.0.2", port: 9_092)
    private let state = Mutex(State())

    init(_ loop: ManualLoop) { self.loop = loop }

    var isReading: Bool { state.withLock { $0.isReading } }
    var isClosed: Bool { state.withLock { $0.isClosed } }
    var queuedBytes: Int {
        get { state.withLock { $0.queuedBytes } }
        set { state.withLock { $0.queuedBytes = newValue } }
    }

    func send(_ segments: [Segment]) {
        for case .bytes(let bytes) in segments { state.withLock { $0.sent += bytes.array } }
    }

    func setReading(_ isReading: Bool) { state.withLock { $0.isReading = isReading } }
    func setFrameLimit(bytes: Int) {}
    func close() { state.withLock { $0.isClosed = true } }
    func reset() { state.withLock { $0.isClosed = true } }

    /// The bytes sent since the last call.
    func takeBytes() -> [UInt8] {
        state.withLock { state in
            defer { state.sent = [] }
            return state.sent
        }
    }

    /// The frames sent since the last call, without their lengths.
    func takeFrames() -> [Bytes] {
        var rest = Bytes(takeBytes())
        var frames: [Bytes] = []
        while rest.count >= 4 {
            let length = Int(rest.bigEndian(Int32.self, at: 0))
            frames.append(rest[4..<4 + length])
            rest = rest[4 + length..<rest.count]
        }
        return frames
    }
}

/// A network whose connections the test makes or refuses.
final class ScriptedNetwork: Network {
    private struct State {
        var refusal: ConnectError?
        var attempts = 0
        var open: (link: ScriptedLink, handler: any LinkHandler)?
    }

    private let loop: ManualLoop
    private let state = Mutex(State())

    init(_ loop: ManualLoop) { self.loop = loop }

    var refusal: ConnectError? {
        get { state.withLock { $0.refusal } }
        set { state.withLock { $0.refusal = newValue } }
    }
    var attempts: Int { state.withLock { $0.attempts } }
    var link: ScriptedLink? { state.withLock { $0.open?.link } }

    func listen(
        at endpoint: Endpoint, on loops: LoopGroup, frameLimitBytes: Int,
        accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener { throw .cannotBind(endpoint, reason: "nobody listens here") }

    func listenUnframed(
        at endpoint: Endpoint, on loops: LoopGroup, accept: @escaping @Sendable (any Link) -> (any LinkHandler)?
    ) throws(ListenError) -> any Listener { throw .cannotBind(endpoint, reason: "nobody listens here") }

    func connect(
        to endpoint: Endpoint, on loop: any Loop, timeoutMilliseconds: Int64, frameLimitBytes: Int,
        handler: any LinkHandler, completion: @escaping @Sendable (Result<any Link, ConnectError>) -> Void
    ) {
        let result: Result<any Link, ConnectError> = state.withLock { state in
            state.attempts += 1
            if let refusal = state.refusal { return .failure(refusal) }
            let link = ScriptedLink(self.loop)
            state.open = (link, handler)
            return .success(link)
        }
        loop.execute { completion(result) }
    }

    /// The peer sends a frame.
    func receive(_ frame: Bytes) {
        let open = state.withLock { $0.open }
        loop.run { open?.handler.frameReceived(frame) }
    }

    /// The connection ends.
    func end(_ end: LinkEnd) {
        let open = state.withLock { $0.open }
        loop.run { open?.handler.linkEnded(end) }
    }
}
