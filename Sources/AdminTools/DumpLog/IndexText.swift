package import Primitives

/// The lines of `dump-log` for index files.
package enum IndexText {
    /// The lines of an offset index (8 bytes an entry) or a time index (12); empty entries at the end are left out.
    package static func entries(_ content: Bytes, base: Offset, entryBytes: Int) -> [String] {
        if entryBytes == 8 {
            return offsetEntries(content, base: base).map { "offset: \($0.offset) position: \($0.position)" }
        }
        var lines: [String] = []
        for index in 0..<content.count / entryBytes {
            let timestamp = content.bigEndian(Int64.self, at: index * entryBytes)
            let relative = content.bigEndian(Int32.self, at: index * entryBytes + 8)
            if index > 0, timestamp == 0, relative == 0 { break }
            lines.append("timestamp: \(timestamp) offset: \(base + Int64(relative))")
        }
        return lines
    }

    /// The entries of an offset index.
    package static func offsetEntries(_ content: Bytes, base: Offset) -> [(offset: Offset, position: Int32)] {
        var entries: [(offset: Offset, position: Int32)] = []
        for index in 0..<content.count / 8 {
            let relative = content.bigEndian(Int32.self, at: index * 8)
            let position = content.bigEndian(Int32.self, at: index * 8 + 4)
            if index > 0, relative == 0, position == 0 { break }
            entries.append((base + Int64(relative), position))
        }
        return entries
    }
}
