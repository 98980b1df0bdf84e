import Glibc
import Primitives
import Testing
import World

@testable import Transport

@Suite("Links carry whole frames")
struct LinkTests {
    static let contents: [[UInt8]] = [[], [7], Array("five!".utf8), (0..<40).map { UInt8($0) }]

    @Test("Frames arrive whole wherever the stream is split")
    func framesSplitAtEachByte() throws {
        let server = try TestServer(react: TestServer.echo)
        let stream = LinkTests.contents.flatMap(frame)
        for split in 0...stream.count {
            let client = ClientSocket(port: server.listener.port)
            client.send(stream[..<split])
            client.send(stream[split...])
            #expect(LinkTests.contents.map { _ in client.readFrame() } == LinkTests.contents)
        }
        try server.stop()
    }

    @Test("A frame that comes byte by byte arrives whole")
    func byteByByte() throws {
        let server = try TestServer(react: TestServer.echo)
        let client = ClientSocket(port: server.listener.port)
        for byte in LinkTests.contents.flatMap(frame) { client.send([byte]) }
        #expect(LinkTests.contents.map { _ in client.readFrame() } == LinkTests.contents)
        try server.stop()
    }

    @Test("Large and small frames in a row keep their order and their bytes")
    func sizesInARow() throws {
        let server = try TestServer(react: TestServer.echo)
        var generator = SeededGenerator(seed: 1)
        let sizes = [3 << 20, 1, 64 << 10, 700_000, 0, 512 << 10, 65_532, 9, 2 << 20, 100]
        let contents = sizes.map { size in (0..<size).map { _ in UInt8(truncatingIfNeeded: generator.next()) } }
        for _ in 0..<3 {
            let client = ClientSocket(port: server.listener.port)
            // One frame at a time is in flight at most: a blocking client must not fill both directions.
            for content in contents {
                client.send(frame(content))
                #expect(client.readFrame() == content)
            }
        }
        try server.stop()
    }

    @Test("Large frames that come in pieces of any size are read on, and small ones behind them are not kept waiting")
    func largeFramesInPieces() throws {
        let server = try TestServer(react: TestServer.echo)
        let client = ClientSocket(port: server.listener.port)
        let content = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let stream = frame(content)
        for pieces in [[1, 5, 100_000], [30_000, 30_001, 290_000, 590_000], [599_999], [600_003]] {
            var done = 0
            for end in pieces + [stream.count] {
                client.send(stream[done..<end])
                done = end
                // Time to read what came, and to wait for what is missing.
                usleep(20_000)
            }
            #expect(client.readFrame() == content)
            for small in LinkTests.contents {
                client.send(frame(small))
                #expect(client.readFrame() == small)
            }
        }
        // The end is heard in the middle of a large frame too.
        client.send(stream[..<200_000])
        client.endSending()
        #expect(client.readFrame() == nil)
        try server.stop()
    }

    @Test("Thousands of frames in one write are answered in order")
    func pipelined() throws {
        let server = try TestServer(react: TestServer.echo)
        let client = ClientSocket(port: server.listener.port)
        let contents = (0..<5_000).map { Array("request \($0)".utf8) }
        client.send(contents.flatMap(frame))
        #expect(contents.map { _ in client.readFrame() } == contents)
        try server.stop()
    }

    @Test("A frame can be patched in place and kept while others arrive")
    func framesAreOwned() async throws {
        let server = try TestServer { event, _ in
            if case .frame(let content) = event { content.patch(UInt16(0xABCD), at: 0) }
        }
        let client = ClientSocket(port: server.listener.port)
        let contents = (0..<200).map { index in [UInt8](repeating: UInt8(index), count: 100 * index + 2) }
        client.send(contents.flatMap(frame))
        var kept: [Bytes] = []
        for await event in server.events {
            if case .frame(let content) = event { kept.append(content) }
            if kept.count == contents.count { break }
        }
        #expect(kept.map(\.array) == contents.map { [0xAB, 0xCD] + $0.dropFirst(2) })
        try server.stop()
    }

    @Test("A length below zero or above the limit ends the link, and no other", arguments: [-1, Int(Int32.min), 1_001])
    func badLengths(length: Int) async throws {
        let server = try TestServer(frameLimitBytes: 1_000, react: TestServer.echo)
        let good = ClientSocket(port: server.listener.port)
        let bad = ClientSocket(port: server.listener.port)
        bad.send(lengthPrefix(length) + [1, 2, 3])
        #expect(bad.readFrame() == nil)
        #expect(await server.events.first { if case .ended = $0 { true } else { false } } == .ended(.badFrame))
        good.send(frame([1]))
        #expect(good.readFrame() == [1])
        try server.stop()
    }

    @Test("An end or a reset in the middle of a frame ends the link without a frame", arguments: 0..<9)
    func endInsideAFrame(sent: Int) async throws {
        let stream = frame(Array("12345".utf8))
        for isReset in [false, true] {
            let server = try TestServer()
            let client = ClientSocket(port: server.listener.port)
            client.send(stream[..<sent])
            if isReset { client.reset() } else { client.endSending() }
            let first = await server.events.first { _ in true }
            // A reset that meets unread bytes may look like an end.
            #expect(first == .ended(.closed) || (isReset && first == .ended(.reset)))
            try server.stop()
        }
    }

    @Test("Closing sends what is queued first")
    func closeSendsFirst() throws {
        let content = [UInt8](repeating: 5, count: 3 << 20)
        let server = try TestServer { event, link in
            guard case .frame = event else { return }
            link.send([.bytes(Bytes(frame(content)))])
            link.close()
            link.send([.bytes(Bytes(frame([1])))])
        }
        let client = ClientSocket(port: server.listener.port)
        client.send(frame([0]))
        #expect(client.readFrame() == content)
        #expect(client.readFrame() == nil)
        try server.stop()
    }
}
