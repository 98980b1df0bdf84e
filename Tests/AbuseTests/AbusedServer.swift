import BrokerServer
import Glibc
import LiveWorld
import Logging
import Primitives
import Synchronization
import Transport
import WireMessages
import WireProtocol
import World

/// Answers Metadata with nothing in it but brokers whose names have so many bytes in all.
private struct EmptyMetadata: RequestHandler {
    let answerBytes: Int
    static let versions: ClosedRange<Int16> = 0...13
    static let listeners: ListenerKinds = .client
    func handle(_ request: MetadataRequest, _ context: RequestContext, _ reply: Reply<MetadataResponse>) {
        var response = MetadataResponse()
        response.brokers = (0..<answerBytes / 1_000).map { _ in
            var broker = MetadataResponse.MetadataResponseBroker()
            broker.host = String(repeating: "h", count: 1_000)
            return broker
        }
        reply(response)
    }
}

/// Acknowledges every batch.
private struct EmptyProduce: RequestHandler {
    static let versions: ClosedRange<Int16> = 3...13
    static let listeners: ListenerKinds = .client
    func handle(_ request: ProduceRequest, _ context: RequestContext, _ reply: Reply<ProduceResponse>) {
        request.acks == 0 ? reply.nothing() : reply(ProduceResponse())
    }
}

/// A listener of a broker on loopback, with real sockets and handlers that answer at once.
final class AbusedServer: Sendable {
    let port: Int
    private let transport: LiveTransport
    private let listener: RequestListener
    let limits: ClientLimits

    init(_ bounds: RequestLimits = RequestLimits(), answerBytes: Int = 0) throws {
        limits = ClientLimits(bounds)
        transport = LiveTransport(loopCount: 1)
        let world = World.live(
            network: transport.network, loops: transport.loops, controlLoop: transport.controlLoop, poolThreads: 1)
        var table = HandlerTable()
        table.register(EmptyMetadata(answerBytes: answerBytes))
        table.register(EmptyProduce())
        table.registerApiVersions { FeatureReport() }
        listener = RequestListener(
            ListenerIdentity(name: "PLAINTEXT", kind: .client), table: table, limits: limits,
            clock: world.clock, log: Logger(label: "abuse") { _ in SwiftLogNoOpLogHandler() })
        port = try listener.open(at: Endpoint(host: "127.0.0.1", port: 0), in: world)
    }

    func stop() throws {
        listener.close()
        try transport.stop()
    }

    /// Resident memory of this process, in bytes.
    static var residentBytes: Int {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard unsafe fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4_096
    }
}
