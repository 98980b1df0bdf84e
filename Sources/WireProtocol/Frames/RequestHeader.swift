package import Primitives

/// What stands before the body of each request.
///
/// - Source: Kafka protocol guide, request headers; version 0 has no client id, 2 has tagged fields.
package struct RequestHeader: Hashable, Sendable {
    package var key: APIKey
    package var version: Int16
    package var correlationID: CorrelationID
    package var clientID: String?

    package init(key: APIKey, version: Int16, correlationID: CorrelationID, clientID: String?) {
        self.key = key
        self.version = version
        self.correlationID = correlationID
        self.clientID = clientID
    }

    /// The header version of a request: 2 where its version is flexible, else 1.
    package static func headerVersion(version: Int16, firstFlexible: Int16) -> Int16 {
        version >= firstFlexible ? 2 : 1
    }

    /// Reads a header; `firstFlexible` gives the first flexible version of an API, or nil where there is no such API.
    ///
    /// The version is not checked against what exists: the answer to a version from the future needs its header.
    ///
    /// - Parameter lastClientID: the client id of the header before it on the same connection, mostly the same: it is
    ///   compared by its bytes before a new one is made.
    package init(
        from reader: inout WireReader, lastClientID: String? = nil, firstFlexible: (APIKey) -> Int16?
    ) throws(WireError) {
        key = APIKey(try reader.int16())
        version = try reader.int16()
        correlationID = CorrelationID(try reader.int32())
        guard let firstFlexible = firstFlexible(key) else { throw .unknownAPI(key.value) }
        // The client id keeps its old encoding in every header version.
        reader.isFlexible = false
        clientID = try reader.nullableString(like: lastClientID)
        reader.isFlexible = version >= firstFlexible
        try reader.endStruct()
    }

    /// Writes the header in a header version of 0...2.
    package func write(to writer: inout WireWriter, headerVersion: Int16) {
        writer.int16(key.value)
        writer.int16(version)
        writer.int32(correlationID.value)
        guard headerVersion >= 1 else { return }
        writer.isFlexible = false
        writer.nullableString(clientID)
        writer.isFlexible = headerVersion >= 2
        writer.endStruct()
    }
}
