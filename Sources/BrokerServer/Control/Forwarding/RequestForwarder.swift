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
        send(context.frame, context, Response.firstFlexible) { body in
            if let body { reply.send(segments: [.bytes(body)]) } else { reply.closeConnection() }
        }
    }

    /// Sends a request with its header; gives the answer's body.
    private func send(
        _ frame: Bytes, _ context: RequestContext, _ firstFlexible: Int16,
        _ completion: @escaping @Sendable (Bytes?) -> Void
    ) {
        var envelope = EnvelopeRequest()
        envelope.requestData = frame
        envelope.requestPrincipal = ForwardedPrincipal.encode(context.principal)
        envelope.clientHostAddress = ForwardedPrincipal.address(context.remote.host)
        let headerVersion = ResponseHeader.headerVersion(
            key: context.header.key, version: context.version, firstFlexible: firstFlexible)
        channel.send(
            envelope, timeoutMilliseconds: RequestForwarder.timeoutMilliseconds,
            attemptMilliseconds: RequestForwarder.timeoutMilliseconds,
            isRefusedByStandby: { $0.errorCode == .notController }
        ) { result in
            guard case .success(let response) = result, response.errorCode == .noError,
                let data = response.responseData
            else { return completion(nil) }
            completion(RequestForwarder.body(of: data, headerVersion))
        }
    }

    /// Forwards `request` in the name of whoever sent the request of `context`, in its version; gives nil where no
    /// controller answers in time.
    func forward<Request: WireRequest>(
        _ request: Request, for context: RequestContext,
        _ completion: @escaping @Sendable (Request.Response?) -> Void
    ) {
        let version = context.version
        var writer = WireWriter()
        let headerVersion = RequestHeader.headerVersion(version: version, firstFlexible: Request.firstFlexible)
        context.header.write(to: &writer, headerVersion: headerVersion)
        request.write(to: &writer, version: version)
        send(writer.finish(), context, Request.Response.firstFlexible) { body in
            completion(body.flatMap { try? Request.Response.decode($0, version: version) })
        }
    }

    private static func body(of response: Bytes, _ headerVersion: Int16) -> Bytes? {
        var reader = WireReader(response)
        guard (try? ResponseHeader(from: &reader, headerVersion: headerVersion)) != nil else { return nil }
        return response[reader.position..<response.count]
    }
}
