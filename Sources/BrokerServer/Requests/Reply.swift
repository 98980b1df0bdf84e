import Primitives
package import WireProtocol
package import World

/// The answer that a request is owed. May be given once, from any thread; it leaves in the order of the requests.
///
/// Dropping it unanswered closes the connection: a client never waits for an answer that can't come.
package final class Reply<Response: WireMessage>: Sendable {
    private let slot: ReplySlot

    package init(_ slot: ReplySlot) { self.slot = slot }

    /// The version of the request, in which the response is written.
    package var version: Int16 { slot.header.version }

    /// Encodes `response` in the request's version and sends it.
    package func callAsFunction(_ response: Response) {
        var writer = WireWriter()
        begin(&writer)
        response.write(to: &writer, version: version)
        writer.patch(int32: Int32(writer.count - WireFrame.prefixBytes), at: 0)
        slot.complete(.segments([.bytes(writer.finish())]))
    }

    /// Sends a body that is encoded already (Fetch: headers as bytes, records as file ranges); the length and the
    /// response header are put before it.
    package func send(segments body: [Segment]) {
        let prefix = WireFrame.responsePrefix(
            key: slot.header.key, version: version, firstFlexible: Response.firstFlexible,
            correlationID: slot.header.correlationID, bodyCount: body.byteCount)
        slot.complete(.segments([.bytes(prefix)] + body))
    }

    /// Begins an answer that is written by hand: a place for its length, and its header.
    package func begin(_ writer: inout WireWriter) {
        let header = slot.header
        writer.int32(0)
        let headerVersion = ResponseHeader.headerVersion(
            key: header.key, version: header.version, firstFlexible: Response.firstFlexible)
        ResponseHeader(correlationID: header.correlationID).write(to: &writer, headerVersion: headerVersion)
    }

    /// Sends what was started with `begin`: the first piece begins with the place for the length.
    package func send(frame: [Segment]) {
        guard case .bytes(let first)? = frame.first else { preconditionFailure("a frame without its length") }
        first.patch(Int32(frame.byteCount - WireFrame.prefixBytes), at: 0)
        slot.complete(.segments(frame))
    }

    /// Ends the request without an answer: Produce with acks=0.
    package func nothing() { slot.complete(.nothing) }

    /// Sends what is owed to earlier requests, then closes the connection.
    package func closeConnection() { slot.complete(.close) }
}
