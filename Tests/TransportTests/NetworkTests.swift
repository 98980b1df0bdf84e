import Primitives
import Synchronization
import Testing
import World

@testable import Transport

@Suite("The network tells its failures apart")
struct NetworkTests {
    @Test("A port in use is named")
    func addressInUse() throws {
        let server = try TestServer()
        let endpoint = Endpoint(host: "127.0.0.1", port: server.listener.port)
        #expect(throws: ListenError.addressInUse(endpoint)) {
            _ = try server.transport.network.listen(
                at: endpoint, on: LoopGroup(server.transport.loops), frameLimitBytes: 1
            ) { _ in
                nil
            }
        }
        try server.stop()
    }

    @Test("An address of another machine can't be bound")
    func foreignAddress() throws {
        let server = try TestServer()
        #expect(throws: ListenError.self) {
            _ = try server.transport.network.listen(
                at: Endpoint(host: "192.0.2.1", port: 0), on: LoopGroup(server.transport.loops), frameLimitBytes: 1
            ) { _ in nil }
        }
        try server.stop()
    }

    private func connect(
        _ server: TestServer, to endpoint: Endpoint, _ handler: any LinkHandler
    ) async -> Result<any Link, ConnectError> {
        await withCheckedContinuation { continuation in
            server.transport.network.connect(
                to: endpoint, on: server.transport.controlLoop, timeoutMilliseconds: 5_000, frameLimitBytes: 1 << 20,
                handler: handler
            ) { continuation.resume(returning: $0) }
        }
    }

    @Test("A connection to a closed port is refused, by address and by name", arguments: ["127.0.0.1", "localhost"])
    func refused(host: String) async throws {
        let server = try TestServer()
        let free = try TestServer()
        let port = free.listener.port
        try free.stop()
        let (_, continuation) = AsyncStream.makeStream(of: LinkEvent.self)
        let result = await connect(
            server, to: Endpoint(host: host, port: port), RecordingHandler(continuation) { _ in })
        #expect(throws: ConnectError.refused) { _ = try result.get() }
        try server.stop()
    }

    @Test("A connected link lives on the loop that was asked for and carries frames both ways")
    func connected() async throws {
        let server = try TestServer(react: TestServer.echo)
        let (events, continuation) = AsyncStream.makeStream(of: LinkEvent.self)
        let handler = RecordingHandler(continuation) { _ in }
        let link = try await connect(
            server, to: Endpoint(host: "127.0.0.1", port: server.listener.port), handler
        ).get()
        #expect(link.loop === server.transport.controlLoop)
        #expect(link.remote.port == server.listener.port)
        link.loop.execute { link.send([.bytes(Bytes(frame([1, 2, 3])))]) }
        #expect(await events.first { _ in true } == .frame(Bytes([1, 2, 3])))
        link.close()
        #expect(await events.first { _ in true } == .ended(.closed))
        try server.stop()
    }

    @Test("A link that nobody wants is closed at once")
    func refusedByTheNode() throws {
        let transport = LiveTransport(loopCount: 1)
        let listener = try transport.network.listen(
            at: Endpoint(host: "127.0.0.1", port: 0), on: LoopGroup(transport.loops), frameLimitBytes: 1
        ) { _ in nil }
        let client = ClientSocket(port: listener.port)
        #expect(client.read(1) == [])
        try transport.stop()
    }

    @Test("Without frames all bytes come as they are, whatever their first four say, also after a pause")
    func unframed() async throws {
        let transport = LiveTransport(loopCount: 1)
        let (events, continuation) = AsyncStream.makeStream(of: LinkEvent.self)
        let accepted = Mutex<(any Link)?>(nil)
        let listener = try transport.network.listenUnframed(
            at: Endpoint(host: "127.0.0.1", port: 0), on: LoopGroup(transport.loops)
        ) { link in
            accepted.withLock { $0 = link }
            return RecordingHandler(continuation) { _ in }
        }
        let client = ClientSocket(port: listener.port)
        let text = Array("GET / HTTP/1.1\r\n\r\n".utf8) + [UInt8](repeating: 0xFF, count: 300_000)
        client.send(Array(text.prefix(10)))
        var got: [UInt8] = []
        for await case .frame(let bytes) in events {
            got += bytes.array
            if got.count >= 10 { break }
        }
        let link = try #require(accepted.withLock { $0 })
        _ = await onLoop(link.loop) { link.setReading(false) }
        client.send(Array(text.dropFirst(10)))
        _ = await onLoop(link.loop) { link.setReading(true) }
        for await case .frame(let bytes) in events {
            got += bytes.array
            if got.count >= text.count { break }
        }
        #expect(got == text)
        _ = await onLoop(link.loop) { link.send([.bytes(Bytes([1, 2, 3]))]) }
        #expect(client.read(3) == [1, 2, 3])
        listener.close()
        try transport.stop()
    }

    @Test("An empty host listens on all addresses")
    func allAddresses() throws {
        let transport = LiveTransport(loopCount: 1)
        let listener = try transport.network.listen(
            at: Endpoint(host: "", port: 0), on: LoopGroup(transport.loops), frameLimitBytes: 1
        ) { _ in nil }
        #expect(ClientSocket(port: listener.port).read(1) == [])
        try transport.stop()
    }
}
