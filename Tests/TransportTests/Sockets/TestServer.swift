import Synchronization
import Primitives
import World

@testable import Transport

/// What a link told its handler.
enum LinkEvent: Hashable, Sendable {
    case frame(Bytes)
    case drained
    case ended(LinkEnd)
}

/// Hands all that a link tells it on to a test, and to `react` on the link's loop.
final class RecordingHandler: LinkHandler {
    private let continuation: AsyncStream<LinkEvent>.Continuation
    private let react: @Sendable (LinkEvent) -> Void

    init(_ continuation: AsyncStream<LinkEvent>.Continuation, react: @escaping @Sendable (LinkEvent) -> Void) {
        self.continuation = continuation
        self.react = react
    }

    private func tell(_ event: LinkEvent) {
        react(event)
        continuation.yield(event)
    }

    func frameReceived(_ frame: Bytes) { tell(.frame(frame)) }
    func roundReceived() {}
    func queueDrained() { tell(.drained) }
    func linkEnded(_ end: LinkEnd) { tell(.ended(end)) }
}

/// A live network with one listener on loopback.
final class TestServer: Sendable {
    typealias Reaction = @Sendable (LinkEvent, any Link) -> Void

    let transport: LiveTransport
    let listener: any Listener
    let events: AsyncStream<LinkEvent>

    /// - Parameter react: What the server does with each event; it also is one of `events`.
    init(frameLimitBytes: Int = 128 << 20, loopCount: Int = 1, react: @escaping Reaction = { _, _ in }) throws {
        transport = LiveTransport(loopCount: loopCount)
        let (events, continuation) = AsyncStream.makeStream(of: LinkEvent.self)
        self.events = events
        listener = try transport.network.listen(
            at: Endpoint(host: "127.0.0.1", port: 0), on: LoopGroup(transport.loops), frameLimitBytes: frameLimitBytes
        ) { link in
            RecordingHandler(continuation) { event in react(event, link) }
        }
    }

    /// Answers every frame with itself.
    static func echo(_ event: LinkEvent, _ link: any Link) {
        if case .frame(let content) = event {
            link.send([.bytes(Bytes(lengthPrefix(content.count))), .bytes(content)])
        }
    }

    func stop() throws {
        listener.close()
        try transport.stop()
    }
}

/// Runs `work` on a loop and waits for its value.
func onLoop<Value: Sendable>(_ loop: any Loop, _ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        loop.execute { continuation.resume(returning: work()) }
    }
}
