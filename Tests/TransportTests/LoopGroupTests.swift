import Primitives
import Synchronization
import Testing
import World

@testable import Transport

@Suite("The number of loops that get connections changes")
struct LoopGroupTests {
    /// A server that answers with the place of the loop that a connection lives on.
    private final class Places: Sendable {
        let transport: LiveTransport
        let loops: LoopGroup
        private let listener: any Listener
        private let client = LiveTransport(loopCount: 1)

        init() throws {
            let transport = LiveTransport(loopCount: 1)
            self.transport = transport
            loops = LoopGroup(transport.loops) { transport.startLoop(place: $0) }
            listener = try transport.network.listen(
                at: Endpoint(host: "127.0.0.1", port: 0), on: loops, frameLimitBytes: 100
            ) { link in
                RecordingHandler(AsyncStream<LinkEvent>.makeStream().continuation) { event in
                    guard case .frame = event else { return }
                    let place = link.loop.isCurrent ? UInt8(link.loop.place ?? 255) : 255
                    link.send([.bytes(Bytes([0, 0, 0, 1, place]))])
                }
            }
        }

        func connect() async throws -> Asker {
            let asker = Asker()
            let end = Endpoint(host: "127.0.0.1", port: listener.port)
            let link = try await withCheckedThrowingContinuation { continuation in
                client.network.connect(
                    to: end, on: client.loops[0], timeoutMilliseconds: 10_000, frameLimitBytes: 100, handler: asker
                ) { continuation.resume(with: $0.mapError { $0 as any Error }) }
            }
            asker.link.withLock { $0 = link }
            return asker
        }

        /// Where the next `count` connections live; they are dealt in turn, so their order tells nothing.
        func placesOfNext(_ count: Int) async throws -> [Int] {
            var places: [Int] = []
            for _ in 0..<count { places.append(await (try connect()).place()) }
            return places.sorted()
        }

        func stop() throws {
            listener.close()
            try client.stop()
            try transport.stop()
        }
    }

    /// A connection that asks for its place.
    private final class Asker: LinkHandler {
        let link = Mutex<(any Link)?>(nil)
        private let waiting = Mutex<CheckedContinuation<Int, Never>?>(nil)

        func place() async -> Int {
            await withCheckedContinuation { continuation in
                waiting.withLock { $0 = continuation }
                let link = link.withLock { $0 }
                link?.loop.execute { link?.send([.bytes(Bytes([0, 0, 0, 1, 0]))]) }
            }
        }

        func frameReceived(_ frame: Bytes) {
            let place = unsafe frame.withUnsafeBytes { unsafe Int($0[0]) }
            waiting.withLock { $0.take() }?.resume(returning: place)
        }
        func roundReceived() {}
        func queueDrained() {}
        func linkEnded(_ end: LinkEnd) { waiting.withLock { $0.take() }?.resume(returning: -1) }
    }

    @Test("New connections go to the loops that are open, and those that are there stay where they are")
    func growsAndShrinks() async throws {
        let places = try Places()
        let old = try await places.connect()
        #expect(await old.place() == 0)
        #expect(places.loops.setOpenCount(3) == 3)
        #expect(try await places.placesOfNext(6) == [0, 0, 1, 1, 2, 2])
        var three: [Asker] = []
        for _ in 0..<3 { three.append(try await places.connect()) }
        var before: [Int] = []
        for asker in three { before.append(await asker.place()) }
        #expect(before.sorted() == [0, 1, 2])
        #expect(places.loops.setOpenCount(1) == 1)
        #expect(try await places.placesOfNext(4) == [0, 0, 0, 0])
        for (asker, place) in zip(three, before) { #expect(await asker.place() == place) }
        #expect(await old.place() == 0)
        try places.stop()
    }

    @Test("A loop that was closed is the first to be opened again: there are never more than were open at one time")
    func again() async throws {
        let places = try Places()
        for count in [4, 1, 2, 4, 3, 4] { #expect(places.loops.setOpenCount(count) == count) }
        #expect(places.loops.started.map(\.place) == [0, 1, 2, 3])
        #expect(try await places.placesOfNext(4) == [0, 1, 2, 3])
        try places.stop()
    }

    @Test("Where no loop can be started, those that are there go on")
    func none() throws {
        let transport = LiveTransport(loopCount: 2)
        let loops = LoopGroup(transport.loops)
        #expect(loops.setOpenCount(5) == 2)
        #expect(loops.setOpenCount(1) == 1)
        #expect(loops.setOpenCount(0) == 1)
        #expect(loops.setOpenCount(2) == 2)
        let refusing = LoopGroup(transport.loops) { _ in nil }
        #expect(refusing.setOpenCount(1_000_000) == 2)
        try transport.stop()
    }
}
