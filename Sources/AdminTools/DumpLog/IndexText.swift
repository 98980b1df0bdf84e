package import Primitives

/// What index files hold; empty entries at the end, which were reserved and not written, are left out.
package enum IndexText {
    package static let offsetEntryBytes = 8
    package static let timeEntryBytes = 12

    /// The entries of an offset index.
    package static func offsetEntries(_ content: Bytes, base: Offset) -> [(offset: Offset, position: Int32)] {
        var entries: [(offset: Offset, position: Int32)] = []
        for index in 0..<content.count / offsetEntryBytes {
            let relative = content.bigEndian(Int32.self, at: index * offsetEntryBytes)
            let position = content.bigEndian(Int32.self, at: index * offsetEntryBytes + 4)
            if index > 0, relative == 0, position == 0 { break }
            entries.append((base + Int64(relative), position))
        }
        return entries
    }

    /// The entries of a time index.
    package static func timeEntries(_ content: Bytes, base: Offset) -> [(timestamp: Int64, offset: Offset)] {
        var entries: [(timestamp: Int64, offset: Offset)] = []
        for index in 0..<content.count / timeEntryBytes {
            let timestamp = content.bigEndian(Int64.self, at: index * timeEntryBytes)
            let relative = content.bigEndian(Int32.self, at: index * timeEntryBytes + 8)
            if index > 0, timestamp == 0, relative == 0 { break }
            entries.append((timestamp, base + Int64(relative)))
        }
        return entries
    }
}

/// The lines of `dump-log` for an index of transactions that were given up.
package enum TransactionIndexText {
    /// Version, producer, first offset, last offset, last stable offset.
    private static let entryBytes = 34

    /// One line for each transaction.
    package static func lines(_ content: Bytes) -> [String] {
        (0..<content.count / entryBytes).map { index in
            let start = index * entryBytes
            let numbers = (0..<4).map { content.bigEndian(Int64.self, at: start + 2 + 8 * $0) }
            return "version: \(content.bigEndian(Int16.self, at: start)) producerId: \(numbers[0])"
                + " firstOffset: \(numbers[1]) lastOffset: \(numbers[2]) lastStableOffset: \(numbers[3])"
        }
    }
}
