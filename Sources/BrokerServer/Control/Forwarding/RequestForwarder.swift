import Primitives
import Security
import WireMessages
package import WireProtocol
import World

/// Takes a client's administrative request to the active controller, in an Envelope that says who asked, and brings the
/// answer back as it is.
package final class RequestForwarder: Sendable {
    /// Longest time for a forwarded request, whatever the client would wait.
    private static let timeoutMilliseconds: Int64 = 30_000

    private let channel: ControllerChannel

    package init(channel: ControllerChannel) { self.channel = channel }

    /// Forwards the request of `context`; where no controller answers in time the connection is closed, and the client
    /// asks again.
    package func forward<Response: WireMessage>(_ context: RequestContext, _ reply: Reply<Response>) {
        var envelope = EnvelopeRequest()
        envelope.requestData = context.frame
        envelope.requestPrincipal = ForwardedPrincipal.encode(context.principal)
        envelope.clientHostAddress = ForwardedPrincipal.address(context.remote.host)
        let headerVersion = ResponseHeader.headerVersion(
            key: context.header.key, version: context.version, firstFlexible: Response.firstFlexible)
        channel.send(
            envelope, timeoutMilliseconds: RequestForwarder.timeoutMilliseconds,
            attemptMilliseconds: RequestForwarder.timeoutMilliseconds,
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            guard case .success(let response) = result, response.errorCode == .noError,
                let data = response.responseData, let body = RequestForwarder.body(of: data, headerVersion)
            else { return reply.closeConnection() }
            reply.send(segments: [.bytes(body)])
        }
    }

    private static func body(of response: Bytes, _ headerVersion: Int16) -> Bytes? {
        var reader = WireReader(response)
        guard (try? ResponseHeader(from: &reader, headerVersion: headerVersion)) != nil else { return nil }
        return response[reader.position..<response.count]
    }
}
