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

    @Test("Timers run in the order of their times, and of two for one time the one set first is first")
    func timersInOrder() async throws {
        let transport = LiveTransport(loopCount: 1)
        let loop = transport.loops[0]
        let ran = Mutex<[Int64]>([])
        await withCheckedContinuation { continuation in
            loop.execute {
                for delay in [7, 3, 9, 1, 5, 0, 8, 2, 6, 4] as [Int64] {
                    loop.schedule(afterMilliseconds: 5 * delay) { ran.withLock { $0.append(delay) } }
                }
                loop.schedule(afterMilliseconds: 60) { continuation.resume() }
            }
        }
        #expect(ran.withLock { $0 } == Array(0...9))
        try transport.stop()
    }

    @Test("Timers that were called off are swept out, and those that were not are kept in their order")
    func sweptTimers() {
        var queue = TimerQueue()
        var kept: [LoopTimer] = []
        for index in 0..<10_000 {
            let timer = LoopTimer(after: Int64(10_000 - index), unitNanoseconds: 1_000_000_000) {}
            if index % 1_000 == 0 { kept.append(timer) } else { timer.cancel() }
            queue.add(timer)
        }
        #expect(queue.count < 200)
        var due: [LoopTimer] = []
        while let timer = queue.takeDue(now: .max) { if !timer.isEmpty { due.append(timer) } }
        #expect(due.map(ObjectIdentifier.init) == kept.reversed().map(ObjectIdentifier.init))
    }

    @Test("A delay that overflows is a very long one")
    func longestDelay() {
        let timer = LoopTimer(after: .max, unitNanoseconds: 1_000_000) {}
        #expect(timer.dueAt > LoopTimer.now + 86_400_000_000_000)
    }

    @Test("Work from another thread wakes a loop that waits, time and again")
    func wakes() async throws {
        let transport = LiveTransport(loopCount: 1)
        for round in 0..<2_000 {
            #expect(await onLoop(transport.loops[0]) { round } == round)
        }
        try transport.stop()
    }

    @Test("What a loop is given after its end is dropped, and a stop closes its connections")
    func stop() async throws {
        let server = try TestServer()
        let client = ClientSocket(port: server.listener.port)
        client.send(frame([1]))
        #expect(await server.events.first { _ in true } != nil)
        try server.stop()
        #expect(client.read(1) == [])
        #expect(await server.events.first { _ in true } == .ended(.closed))
        server.transport.loops[0].execute { Issue.record("a loop that has ended works") }
    }
}
