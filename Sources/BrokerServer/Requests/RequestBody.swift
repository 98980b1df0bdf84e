import Primitives
import WireMessages
import WireProtocol

/// The body of a request, read strictly but for what a widespread client is known to get wrong.
enum RequestBody {
    /// librdkafka (2.x, Metadata 9 and later) asks for all topics with a null of four bytes where the compact encoding
    /// has one. Kafka does not look at what is left over behind a request; we do, and so have to know this case.
    private static let wideNullBytes = 4

    static func decode<Request: WireRequest>(
        _ type: Request.Type, _ bytes: Bytes, version: Int16
    ) throws(WireError) -> Request {
        do { return try Request.decode(bytes, version: version) } catch {
            guard Request.key == .metadata, version >= Request.firstFlexible, startsWithWideNull(bytes),
                error == .trailingBytes(wideNullBytes - 1)
            else { throw error }
            return try Request.decode(bytes[wideNullBytes - 1..<bytes.count], version: version)
        }
    }

    private static func startsWithWideNull(_ bytes: Bytes) -> Bool {
        bytes.count >= wideNullBytes && bytes.bigEndian(UInt32.self, at: 0) == 0
    }
}
