import Primitives
import Synchronization
import WireMessages
import WireProtocol

@testable import BrokerServer

/// Requests that reached their handler and wait for the test to answer them.
final class ParkedReplies<Response: WireMessage>: Sendable {
    private let replies = Mutex<[Reply<Response>]>([])

    var count: Int { replies.withLock { $0.count } }

    func park(_ reply: Reply<Response>) { replies.withLock { $0.append(reply) } }

    /// The reply owed to the parked request with this index; it is not parked any more.
    func take(_ index: Int = 0) -> Reply<Response> { replies.withLock { $0.remove(at: index) } }
}

struct ParkingProduce: RequestHandler {
    static let versions: ClosedRange<Int16> = 3...13
    static let listeners: ListenerKinds = .client
    let parked: ParkedReplies<ProduceResponse>
    func handle(_ request: ProduceRequest, _ context: RequestContext, _ reply: Reply<ProduceResponse>) {
        parked.park(reply)
    }
}

struct ParkingMetadata: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...13
    static let listeners: ListenerKinds = .client
    let parked: ParkedReplies<MetadataResponse>
    func handle(_ request: MetadataRequest, _ context: RequestContext, _ reply: Reply<MetadataResponse>) {
        parked.park(reply)
    }
}

struct SilentVote: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2
    static let listeners: ListenerKinds = .controller
    func handle(_ request: VoteRequest, _ context: RequestContext, _ reply: Reply<VoteResponse>) { reply.nothing() }
}

struct SilentInitProducerID: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...6
    static let listeners: ListenerKinds = .client
    func handle(
        _ request: InitProducerIdRequest, _ context: RequestContext, _ reply: Reply<InitProducerIdResponse>
    ) { reply.nothing() }
}
