package import Primitives

/// A message with versions of its own: a request, a response, a record's key or value, an embedded structure.
package protocol WireMessage: WireStruct {
    /// The versions that this code reads and writes.
    static var versions: ClosedRange<Int16> { get }
    /// The first version with compact encodings and tagged fields; `Int16.max` where there is none.
    static var firstFlexible: Int16 { get }
}

/// A request and the response that answers it.
package protocol WireRequest: WireMessage {
    associatedtype Response: WireMessage
    static var key: APIKey { get }
}

extension WireMessage {
    /// Reads a whole message.
    ///
    /// - Errors: whatever the reader throws; bytes left over; a version outside `versions`.
    package static func decode(_ bytes: Bytes, version: Int16) throws(WireError) -> Self {
        var reader = WireReader(bytes)
        let message = try Self(from: &reader, version: version)
        try reader.finish()
        return message
    }

    /// The bytes of the message at a version of `versions`.
    package func encoded(version: Int16) -> Bytes {
        var writer = WireWriter()
        write(to: &writer, version: version)
        return writer.finish()
    }

    /// The bytes of the message without its record batches, which travel beside it (from a file, with `sendfile`).
    ///
    /// - Parameter sizes: the bytes of each records field, in the order of the message; its own value is ignored.
    /// - Returns: the bytes, and for each size the position in them where those record batches belong.
    package func encoded(version: Int16, recordsBeside sizes: [Int]) -> (bytes: Bytes, cuts: [Int]) {
        var writer = WireWriter(capacity: 1024)
        writer.recordsBeside = sizes[...]
        write(to: &writer, version: version)
        precondition(writer.recordsBeside?.isEmpty == true, "more sizes than records fields")
        let cuts = writer.cuts
        return (writer.finish(), cuts)
    }
}

extension WireReader {
    /// Starts a message: checks its version and turns to the encoding of that version.
    @_lifetime(self: copy self)
    package mutating func begin<Message: WireMessage>(_ type: Message.Type, _ version: Int16) throws(WireError) {
        guard Message.versions.contains(version) else {
            throw .unsupportedVersion(message: "\(type)", version: version)
        }
        isFlexible = version >= Message.firstFlexible
    }
}

extension WireWriter {
    /// Starts a message: turns to the encoding of its version, which must exist.
    package mutating func begin<Message: WireMessage>(_ type: Message.Type, _ version: Int16) {
        precondition(Message.versions.contains(version), "no such version of a message")
        isFlexible = version >= Message.firstFlexible
    }
}
