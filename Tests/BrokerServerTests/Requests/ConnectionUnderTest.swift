import Logging
import Primitives
import Security
import Synchronization
import WireMessages
import WireProtocol
import World

@testable import BrokerServer

/// One connection, its handlers and its client, all in the hands of a test.
final class ConnectionUnderTest {
    let loop = ManualLoop()
    let link: ScriptedLink
    let produce = ParkedReplies<ProduceResponse>()
    let metadata = ParkedReplies<MetadataResponse>()
    let meters: RequestMeters.Lane
    let connection: RequestConnection
    let shared: ClientLimits
    let identity: ConnectionIdentity

    init(
        kind: ListenerKinds = .client, limits: RequestLimits = RequestLimits(),
        features: @escaping @Sendable () -> FeatureReport = { FeatureReport() }
    ) {
        link = ScriptedLink(loop)
        shared = ClientLimits(limits)
        var table = HandlerTable()
        table.register(ParkingProduce(parked: produce))
        table.register(ParkingMetadata(parked: metadata))
        table.register(SilentVote())
        table.register(SilentInitProducerID())
        table.registerApiVersions(features: features)
        identity = ConnectionIdentity(
            id: 1, listener: ListenerIdentity(name: "TEST", kind: kind), principal: .anonymous, remote: link.remote,
            local: link.local, loop: loop)
        meters = RequestMeters.Lane(keys: table.servedKeys)
        connection = RequestConnection(
            link: link, identity: identity, table: table, limits: shared, clock: loop,
            refusals: RefusalLog(log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: loop),
            meters: meters
        ) { _ in }
    }

    func receive(_ frames: Bytes...) {
        let connection = connection
        loop.run { for frame in frames { connection.frameReceived(frame) } }
    }

    /// Answers the first parked request, if there is one.
    func answerProduce() {
        let parked = produce
        loop.run { if parked.count > 0 { parked.take()(ProduceResponse()) } }
    }

    func answerMetadata(_ response: MetadataResponse) {
        let parked = metadata
        loop.run { if parked.count > 0 { parked.take()(response) } }
    }

    /// The correlation ids of the answers sent since the last call.
    func takeAnswers() -> [Int32] { link.takeFrames().map { $0.bigEndian(Int32.self, at: 0) } }

    /// A request's frame, without its length.
    static func frame<Request: WireRequest>(_ request: Request, version: Int16, _ correlationID: Int32) -> Bytes {
        let whole = WireFrame.request(
            request, version: version, correlationID: CorrelationID(correlationID), clientID: "test")
        return whole[4..<whole.count]
    }

    static func produce(_ correlationID: Int32) -> Bytes { frame(ProduceRequest(), version: 9, correlationID) }
    static func metadata(_ correlationID: Int32) -> Bytes { frame(MetadataRequest(), version: 12, correlationID) }
}
