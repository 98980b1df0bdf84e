package import Primitives

/// Whole frames: a 32-bit length, a header and a body, in one piece of memory.
package enum WireFrame {
    /// Bytes of the length that stands before each frame; it does not count itself.
    package static let prefixBytes = 4

    /// A request, ready to be sent.
    package static func request<Request: WireRequest>(
        _ request: Request, version: Int16, correlationID: CorrelationID, clientID: String?
    ) -> Bytes {
        let header = RequestHeader(
            key: Request.key, version: version, correlationID: correlationID, clientID: clientID)
        var writer = WireWriter()
        writer.int32(0)
        header.write(
            to: &writer,
            headerVersion: RequestHeader.headerVersion(version: version, firstFlexible: Request.firstFlexible))
        request.write(to: &writer, version: version)
        return finish(&writer, followedBy: 0)
    }

    /// The response to a request of the type `Request` and `version`, ready to be sent.
    package static func response<Request: WireRequest>(
        to type: Request.Type, _ response: Request.Response, version: Int16, correlationID: CorrelationID
    ) -> Bytes {
        var writer = WireWriter()
        begin(&writer, key: Request.key, version: version, firstFlexible: Request.firstFlexible, correlationID)
        response.write(to: &writer, version: version)
        return finish(&writer, followedBy: 0)
    }

    /// The length and header of a response whose body of `bodyCount` bytes is sent behind it.
    package static func responsePrefix(
        key: APIKey, version: Int16, firstFlexible: Int16, correlationID: CorrelationID, bodyCount: Int
    ) -> Bytes {
        var writer = WireWriter(capacity: 16)
        begin(&writer, key: key, version: version, firstFlexible: firstFlexible, correlationID)
        return finish(&writer, followedBy: bodyCount)
    }

    private static func begin(
        _ writer: inout WireWriter, key: APIKey, version: Int16, firstFlexible: Int16, _ correlationID: CorrelationID
    ) {
        writer.int32(0)
        let headerVersion = ResponseHeader.headerVersion(key: key, version: version, firstFlexible: firstFlexible)
        ResponseHeader(correlationID: correlationID).write(to: &writer, headerVersion: headerVersion)
    }

    private static func finish(_ writer: inout WireWriter, followedBy bodyCount: Int) -> Bytes {
        let length = writer.count - prefixBytes + bodyCount
        precondition(length <= Int(Int32.max), "frame too long")
        writer.patch(int32: Int32(length), at: 0)
        let full = writer
        writer = WireWriter(capacity: 0)
        return full.finish()
    }
}
