import Primitives
import World

/// One entry of an index file.
protocol IndexEntry: Hashable, Sendable {
    /// Bytes on the disk, big-endian.
    static var byteCount: Int { get }
    init(_ bytes: Bytes, at position: Int)
    func append(to bytes: inout [UInt8])
}

/// A sparse index of a segment: in memory while the segment is written, a file once it is sealed.
///
/// What an active segment has in memory is lost in a crash; recovery scans that segment anyway and makes it anew.
struct SparseIndex<Entry: IndexEntry>: Sendable {
    private(set) var path: String
    /// All entries while active; empty once sealed.
    private(set) var entries: [Entry] = []
    /// The number of entries in the file once sealed.
    private var sealedCount: Int?
    private(set) var last: Entry?

    init(path: String) { self.path = path }

    var isSealed: Bool { sealedCount != nil }
    var count: Int { sealedCount ?? entries.count }
    var byteCount: Int { count * Entry.byteCount }

    /// The file has another name from now on.
    mutating func renamed(to path: String) { self.path = path }

    mutating func append(_ entry: Entry) {
        precondition(sealedCount == nil, "append to the sealed index \(path)")
        entries.append(entry)
        last = entry
    }

    /// The last entry for which `isIncluded` holds; it must hold for a first part of the entries and for none after.
    func last(in store: any FileStore, where isIncluded: (Entry) -> Bool) throws(FileError) -> Entry? {
        guard let sealedCount else {
            let end = SparseIndex.partitionPoint(entries.count) { isIncluded(entries[$0]) }
            return end == 0 ? nil : entries[end - 1]
        }
        if sealedCount == 0 { return nil }
        let file = try store.open(path, .read)
        defer { file.close() }
        // Halving ends where a block holds what is left: that comes with one read.
        var low = 0
        var high = sealedCount
        var found: Entry?
        while high - low > SparseIndex.blockEntries {
            let middle = (low + high) / 2
            let entry = Entry(try block(middle..<middle + 1, of: file), at: 0)
            if isIncluded(entry) {
                found = entry
                low = middle + 1
            } else {
                high = middle
            }
        }
        let rest = try block(low..<high, of: file)
        let end = SparseIndex.partitionPoint(high - low) { isIncluded(Entry(rest, at: $0 * Entry.byteCount)) }
        return end == 0 ? found : Entry(rest, at: (end - 1) * Entry.byteCount)
    }

    private static var blockEntries: Int { 2_048 }

    /// The bytes of some entries of the file.
    private func block(_ range: Range<Int>, of file: any File) throws(FileError) -> Bytes {
        let wanted = range.count * Entry.byteCount
        let buffer = Bytes(MemoryRegion(count: wanted), start: 0, count: wanted)
        guard try file.read(into: buffer, at: Int64(range.lowerBound * Entry.byteCount)) == wanted else {
            throw FileError(kind: .inputOutput, operation: "read", path: path)
        }
        return buffer
    }

    private static func partitionPoint(_ count: Int, _ isIncluded: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isIncluded(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Writes the entries to the file and drops them from memory.
    ///
    /// - Parameter suffix: of the file as long as it has not got its own name.
    /// - Returns: the file, to be made durable with the next flush.
    mutating func seal(in store: any FileStore, suffix: String = "") throws(FileError) -> any File {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for entry in entries { entry.append(to: &bytes) }
        let file = try store.open(path + suffix, .replace)
        try file.write([Bytes(bytes)], at: 0)
        sealedCount = entries.count
        entries = []
        return file
    }

    /// Takes the entries back into memory, those that `isKept`, because the segment is written again.
    mutating func reopen(in store: any FileStore, keeping isKept: (Entry) -> Bool) throws(FileError) {
        if sealedCount != nil {
            entries = SparseIndex.decode(try store.readAll(path))
            sealedCount = nil
        }
        entries.removeAll { !isKept($0) }
        last = entries.last
    }

    /// Trusts the file of a sealed segment if its length fits and its last entry `isPlausible`; false otherwise.
    mutating func adopt(in store: any FileStore, isPlausible: (Entry) -> Bool) throws(FileError) -> Bool {
        guard store.exists(path) else { return false }
        let file = try store.open(path, .read)
        defer { file.close() }
        let size = Int(try file.size())
        guard size % Entry.byteCount == 0 else { return false }
        if size > 0 {
            let buffer = Bytes(MemoryRegion(count: Entry.byteCount), start: 0, count: Entry.byteCount)
            let position = Int64(size - Entry.byteCount)
            guard try file.read(into: buffer, at: position) == Entry.byteCount else { return false }
            let entry = Entry(buffer, at: 0)
            guard isPlausible(entry) else { return false }
            last = entry
        }
        sealedCount = size / Entry.byteCount
        return true
    }

    static func decode(_ content: [UInt8]) -> [Entry] {
        let bytes = Bytes(content)
        return (0..<bytes.count / Entry.byteCount).map { Entry(bytes, at: $0 * Entry.byteCount) }
    }
}

extension [UInt8] {
    /// Adds an integer, most significant byte first.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        let bits = value.bitWidth
        for shift in stride(from: bits - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
