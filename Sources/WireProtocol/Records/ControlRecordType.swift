package import Primitives

/// What a control record says; the numbers are those of its key.
package enum ControlRecordType: Int16, Hashable, Sendable {
    case abort = 0
    case commit = 1
    case leaderChange = 2
    case snapshotHeader = 3
    case snapshotFooter = 4
    case kraftVersion = 5
    case kraftVoters = 6

    /// The key of such a record: version 0 and the type.
    package var key: Bytes {
        var writer = WireWriter(capacity: 4)
        writer.int16(0)
        writer.int16(rawValue)
        return writer.finish()
    }

    /// Reads a control record's key; nil for a type from the future, which is to be skipped.
    ///
    /// - Errors: a key shorter than 4 bytes.
    package init?(key: Bytes) throws(WireError) {
        var reader = WireReader(key)
        _ = try reader.int16()
        self.init(rawValue: try reader.int16())
    }
}
