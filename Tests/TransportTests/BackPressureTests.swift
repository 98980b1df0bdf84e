import NIOCore
import Primitives
import Synchronization
import Testing
import World

@testable import Transport

@Suite("A full pipeline leaves the rest in the socket")
struct BackPressureTests {
    @Test("A paused link hands over nothing, and goes on where it stopped")
    func pauseAndResume() async throws {
        let paused = Mutex<(any Link)?>(nil)
        let server = try TestServer { event, link in
            guard case .frame(let content) = event, content.array == [3] else { return }
            link.setReading(false)
            paused.withLock { $0 = link }
        }
        let client = ClientSocket(port: server.listener.port)
        client.send((0..<10).flatMap { frame([UInt8($0)]) })
        var frames: [UInt8] = []
        for await event in server.events {
            guard case .frame(let content) = event else { continue }
            frames.append(content[0])
            if content[0] == 3 {
                // All that came before the pause has been told by now; the rest waits.
                let link = try #require(paused.withLock { $0 })
                client.send(frame([10]))
                link.loop.execute { link.setReading(true) }
            }
            if content[0] == 10 { break }
        }
        #expect(frames == Array(0...10))
        try server.stop()
    }

    @Test("A peer that does not read congests the link; when it reads again, the link has drained")
    func congestion() async throws {
        let answer = Bytes(frame([UInt8](repeating: 9, count: 8 << 20)))
        let queued = Mutex(0)
        let server = try TestServer { event, link in
            guard case .frame = event else { return }
            link.send([.bytes(answer)])
            queued.withLock { $0 = link.queuedBytes }
        }
        let client = ClientSocket(port: server.listener.port)
        client.send(frame([1]))
        #expect(await server.events.first { _ in true } != nil)
        #expect(queued.withLock { $0 } > LinkQueue.highBytes)
        #expect(client.readFrame()?.count == 8 << 20)
        #expect(await server.events.first { $0 == .drained } == .drained)
        try server.stop()
    }

    @Test("A frame that is only announced reserves no memory")
    func announcedFrame() {
        let buffers = ReceiveBuffers()
        var cutter = FrameCutter(frameLimitBytes: 128 << 20)
        var reserved = 0
        for round in 0..<100 {
            var read = buffers.buffer()
            reserved = max(reserved, read.capacity)
            read.writeBytes(round == 0 ? lengthPrefix(100 << 20) : [1])
            buffers.record(actualReadBytes: round == 0 ? 4 : 1)
            cutter.take(read)
            guard case .incomplete = cutter.next() else {
                Issue.record("a frame out of nothing")
                return
            }
            cutter.keepRest(in: buffers)
        }
        #expect(reserved <= ReceiveBuffers.smallestBytes * 2)
        #expect(cutter.startedBytes == 103)
    }

    @Test("A started frame that stops growing is given up; one that is paused by us is not")
    func stalledFrame() {
        let buffers = ReceiveBuffers()
        var cutter = FrameCutter(frameLimitBytes: 128 << 20)
        var watch = FrameWatch()
        func receive(_ bytes: [UInt8]) {
            var read = buffers.buffer()
            read.writeBytes(bytes)
            buffers.record(actualReadBytes: bytes.count)
            cutter.take(read)
            while case .frame = cutter.next() {}
            cutter.keepRest(in: buffers)
        }
        receive(lengthPrefix(60 << 10))
        let starts = (watch.begin(cutter), watch.begin(cutter))
        #expect(starts == (true, false))
        receive([UInt8](repeating: 0, count: 20 << 10))
        var verdict = watch.check(cutter, isReading: true)
        #expect(verdict == .moving)
        verdict = watch.check(cutter, isReading: false)
        #expect(verdict == .moving)
        // What the system still holds has come as well, and counts once.
        verdict = watch.check(cutter, unread: 12 << 10, isReading: true)
        #expect(verdict == .moving)
        verdict = watch.check(cutter, unread: 12 << 10, isReading: true)
        #expect(verdict == .stalled)
        receive([1])
        verdict = watch.check(cutter, isReading: true)
        #expect(verdict == .stalled)
        receive([UInt8](repeating: 0, count: (40 << 10) - 1))
        verdict = watch.check(cutter, isReading: true)
        #expect(verdict == .finished)
    }
}
