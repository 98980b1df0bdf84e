import Primitives

/// An entry of the offset index: the last offset of a batch, and where that batch starts.
struct OffsetEntry: IndexEntry {
    static let byteCount = 8
    /// Relative to the segment's base offset.
    let relativeOffset: Int32
    /// In the log file, in bytes.
    let position: Int32

    init(relativeOffset: Int32, position: Int32) {
        self.relativeOffset = relativeOffset
        self.position = position
    }

    init(_ bytes: Bytes, at position: Int) {
        relativeOffset = bytes.bigEndian(Int32.self, at: position)
        self.position = bytes.bigEndian(Int32.self, at: position + 4)
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(bigEndian: relativeOffset)
        bytes.append(bigEndian: position)
    }
}

/// An entry of the time index: no record up to `relativeOffset` is younger than `timestamp`, which the batch that ends
/// there is the first to have.
struct TimeEntry: IndexEntry {
    static let byteCount = 12
    /// In milliseconds since 1970.
    let timestamp: Int64
    /// Relative to the segment's base offset.
    let relativeOffset: Int32

    init(timestamp: Int64, relativeOffset: Int32) {
        self.timestamp = timestamp
        self.relativeOffset = relativeOffset
    }

    init(_ bytes: Bytes, at position: Int) {
        timestamp = bytes.bigEndian(Int64.self, at: position)
        relativeOffset = bytes.bigEndian(Int32.self, at: position + 8)
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(bigEndian: timestamp)
        bytes.append(bigEndian: relativeOffset)
    }
}
