/// What a node did to its files and folders, as `Tests/Shims/machine.c` wrote it down.
package struct ShimJournal: Hashable, Sendable {
    /// What was done.
    package enum Kind: UInt8, Hashable, Sendable {
        case write = 0x57
        case truncate = 0x54
        /// A file was flushed: all that was written to it before is on the disk.
        case fileFlushed = 0x53
        /// A flush failed: what was written before will never be on the disk.
        case flushFailed = 0x46
        case create = 0x43
        case rename = 0x52
        case unlink = 0x55
        case makeFolder = 0x4D
        case removeFolder = 0x44
        /// A folder was flushed: the names in it are on the disk.
        case folderFlushed = 0x50
    }

    /// One thing that was done, with what was there before.
    package struct Entry: Hashable, Sendable {
        package var kind: Kind
        package var path = ""
        package var newPath = ""
        package var inode: UInt64 = 0
        /// Where a write begins; the new size of a truncation; the number of a kept file of a rename or unlink.
        package var offset: UInt64 = 0
        package var count: UInt64 = 0
        package var oldSize: UInt64 = 0
        /// What stood from `offset` on.
        package var old: [UInt8] = []

        package init(_ kind: Kind) { self.kind = kind }
    }

    private static let headerBytes = 48

    package let entries: [Entry]

    package init(_ entries: [Entry]) { self.entries = entries }

    /// Reads the library's file; a last entry that is not whole was never acted on.
    ///
    /// - Errors: an entry of a kind that there is not.
    package init(parsing bytes: [UInt8]) throws(ChaosError) {
        var entries: [Entry] = []
        var at = 0
        func number(_ place: Int, _ count: Int) -> UInt64 {
            bytes[place..<place + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        while at + ShimJournal.headerBytes <= bytes.count {
            let lengths = [4, 8, 12].map { Int(number(at + $0, 4)) }
            guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: number(at, 4))) else {
                throw ChaosError("the journal of the library has an entry of kind \(number(at, 4)) at byte \(at)")
            }
            var entry = Entry(kind)
            entry.inode = number(at + 16, 8)
            entry.offset = number(at + 24, 8)
            entry.count = number(at + 32, 8)
            entry.oldSize = number(at + 40, 8)
            at += ShimJournal.headerBytes
            guard at + lengths.reduce(0, +) <= bytes.count else { break }
            entry.path = String(decoding: bytes[at..<at + lengths[0]], as: UTF8.self)
            at += lengths[0]
            entry.newPath = String(decoding: bytes[at..<at + lengths[1]], as: UTF8.self)
            at += lengths[1]
            entry.old = Array(bytes[at..<at + lengths[2]])
            at += lengths[2]
            entries.append(entry)
        }
        self.entries = entries
    }
}
