import Primitives
import Synchronization
import Testing
import World

@testable import Transport

@Suite("Loops work in rounds")
struct LoopTests {
    @Test("Work given at the end of a round runs in that round, before anything newer")
    func endOfRound() async throws {
        let transport = LiveTransport(loopCount: 1)
        let loop = transport.loops[0]
        let order = Mutex<[String]>([])
        let note: @Sendable (String) -> Void = { word in order.withLock { $0.append(word) } }
        await withCheckedContinuation { continuation in
            loop.execute {
                loop.atEndOfRound {
                    note("end")
                    loop.atEndOfRound {
                        note("end of the end")
                        loop.execute {
                            note("next round")
                            continuation.resume()
                        }
                    }
                    note("still end")
                }
                note("round")
            }
        }
        #expect(order.withLock { $0 } == ["round", "end", "still end", "end of the end", "next round"])
        try transport.stop()
    }

    @Test("Work from one thread runs in the order in which it was given, on the loop")
    func order() async throws {
        let transport = LiveTransport(loopCount: 2)
        let (first, second) = (transport.loops[0], transport.loops[1])
        let seen = Mutex<[Int]>([])
        await withCheckedContinuation { continuation in
            first.execute {
                for index in 0..<1_000 {
                    second.execute { seen.withLock { $0.append(second.isCurrent && !first.isCurrent ? index : -1) } }
                }
                second.execute { continuation.resume() }
            }
        }
        #expect(seen.withLock { $0 } == Array(0..<1_000))
        #expect(!first.isCurrent)
        try transport.stop()
    }

    @Test("What is queued in one round leaves at its end")
    func oneSend() async throws {
        let queued = Mutex<[Int]>([])
        let server = try TestServer { event, link in
            guard case .frame = event else { return }
            link.send([.bytes(Bytes([0, 0, 0, 1, 7]))])
            link.send([.bytes(Bytes([0, 0, 0, 1, 8]))])
            queued.withLock { $0.append(link.queuedBytes) }
            link.loop.atEndOfRound {
                link.send([.bytes(Bytes([0, 0, 0, 1, 9]))])
                queued.withLock { $0.append(link.queuedBytes) }
                link.loop.execute { queued.withLock { $0.append(link.queuedBytes) } }
            }
        }
        let client = ClientSocket(port: server.listener.port)
        client.send(frame([1]))
        #expect((0..<3).map { _ in client.readFrame() } == [[7], [8], [9]])
        _ = await onLoop(server.transport.loops[0]) { true }
        #expect(queued.withLock { $0 } == [10, 15, 0])
        try server.stop()
    }

    @Test("A cancelled timer never runs, a short one or a long one", arguments: [5, 1_500] as [Int64])
    func cancelledTimer(delay: Int64) async throws {
        let transport = LiveTransport(loopCount: 1)
        let loop = transport.loops[0]
        let ran = Mutex<[String]>([])
        await withCheckedContinuation { continuation in
            let timer = loop.schedule(afterMilliseconds: delay) { ran.withLock { $0.append("cancelled") } }
            loop.schedule(afterMilliseconds: delay + 20) {
                ran.withLock { $0.append("kept") }
                continuation.resume()
            }
            timer.cancel()
        }
        #expect(ran.withLock { $0 } == ["kept"])
        try transport.stop()
    }
}
