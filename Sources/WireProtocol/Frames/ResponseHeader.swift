package import Primitives

/// What stands before the body of each response.
///
/// - Source: Kafka protocol guide, response headers; version 1 has tagged fields.
package struct ResponseHeader: Hashable, Sendable {
    package var correlationID: CorrelationID

    package init(correlationID: CorrelationID) { self.correlationID = correlationID }

    /// The header version of a response: 1 where its version is flexible.
    ///
    /// ApiVersions is always answered with version 0: a client must be able to read the answer before it knows
    /// what the server speaks (KIP-511).
    package static func headerVersion(key: APIKey, version: Int16, firstFlexible: Int16) -> Int16 {
        key != .apiVersions && version >= firstFlexible ? 1 : 0
    }

    package init(from reader: inout WireReader, headerVersion: Int16) throws(WireError) {
        correlationID = CorrelationID(try reader.int32())
        reader.isFlexible = headerVersion >= 1
        try reader.endStruct()
    }

    package func write(to writer: inout WireWriter, headerVersion: Int16) {
        writer.int32(correlationID.value)
        writer.isFlexible = headerVersion >= 1
        writer.endStruct()
    }
}
