import Primitives
import Security
package import WireMessages
import WireProtocol
import World

/// Envelope (API key 58), v0: a broker brings a client's administrative request, and says whose it is.
///
/// Errors: NOT_CONTROLLER; INVALID_REQUEST for what can't be read or is not administrative;
/// PRINCIPAL_DESERIALIZATION_FAILURE.
package struct EnvelopeHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .controller

    private let route: AdminRoute
    private let forwardable: HandlerTable

    /// - Parameter forwardable: the handlers of the requests that brokers forward.
    package init(_ route: AdminRoute, forwardable: HandlerTable) {
        self.route = route
        self.forwardable = forwardable
    }

    package func handle(_ request: EnvelopeRequest, _ context: RequestContext, _ reply: Reply<EnvelopeResponse>) {
        guard route.isActiveController else { return EnvelopeHandler.refuse(.notController, reply) }
        guard let bytes = request.requestPrincipal, let principal = ForwardedPrincipal.decode(bytes) else {
            return EnvelopeHandler.refuse(.principalDeserializationFailure, reply)
        }
        var reader = WireReader(request.requestData)
        let table = forwardable
        guard
            let header = try? RequestHeader(from: &reader, firstFlexible: { table.entry(for: $0)?.firstFlexible }),
            let entry = table.entry(for: header.key), entry.versions.contains(header.version)
        else { return EnvelopeHandler.refuse(.invalidRequest, reply) }
        let data = request.requestData
        let outer = context.connection
        let inner = RequestContext(
            header: header,
            connection: ConnectionIdentity(
                id: outer.id, listener: outer.listener, principal: principal, remote: outer.remote, local: outer.local,
                loop: outer.loop),
            receivedAt: context.receivedAt, bytes: data[reader.position..<data.count], frame: data)
        let slot = ReplySlot(header: header, sequence: 0, receiver: EnvelopedReply(reply))
        if entry.dispatch(inner, slot) != nil { slot.complete(.close) }
    }

    static func refuse(_ code: ErrorCode, _ reply: Reply<EnvelopeResponse>) {
        var response = EnvelopeResponse()
        response.errorCode = code
        reply(response)
    }
}

/// Puts the answer of a forwarded request back into an Envelope.
private final class EnvelopedReply: ReplyReceiver {
    private let reply: Reply<EnvelopeResponse>

    init(_ reply: Reply<EnvelopeResponse>) { self.reply = reply }

    func requestEnded(sequence: UInt64, _ outcome: ReplyOutcome) {
        guard case .segments(let segments) = outcome else { return EnvelopeHandler.refuse(.invalidRequest, reply) }
        var frame: [UInt8] = []
        for segment in segments {
            // Administrative answers are made of bytes alone.
            guard case .bytes(let bytes) = segment else { return EnvelopeHandler.refuse(.unknownServerError, reply) }
            frame += bytes.array
        }
        var response = EnvelopeResponse()
        response.responseData = Bytes(Array(frame.dropFirst(WireFrame.prefixBytes)))
        reply(response)
    }
}
