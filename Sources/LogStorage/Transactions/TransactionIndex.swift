import Primitives
import World

/// The aborted transactions that end in one segment: in memory while the segment is written, a file once it is sealed,
/// and no file where there are none.
///
/// What an active segment has in memory is lost in a crash; recovery replays that segment anyway and makes it anew.
struct TransactionIndex: Sendable {
    private(set) var path: String
    /// All of them while active, in the order of their markers; empty once sealed.
    private var entries: [AbortedTransaction] = []
    /// The number of entries in the file once sealed.
    private var sealedCount: Int?

    init(path: String) { self.path = path }

    var isSealed: Bool { sealedCount != nil }
    var isEmpty: Bool { (sealedCount ?? entries.count) == 0 }

    /// The file has another name from now on.
    mutating func renamed(to path: String) { self.path = path }

    mutating func append(_ transaction: AbortedTransaction) {
        precondition(sealedCount == nil, "append to the sealed index \(path)")
        entries.append(transaction)
    }

    /// All of them; from the disk where the segment is sealed.
    ///
    /// - Throws: `corrupt` for a file that is not what was written.
    func all(in store: any FileStore) throws(StorageError) -> [AbortedTransaction] {
        guard let sealedCount else { return entries }
        guard sealedCount > 0 else { return [] }
        let read: [AbortedTransaction]?
        do throws(FileError) { read = try TransactionIndex.read(path, in: store) } catch { throw .file(error) }
        guard let read, read.count == sealedCount else {
            throw .corrupt(path: path, position: 0, reason: "it does not hold the transactions written to it")
        }
        return read
    }

    /// Writes the entries to the file and drops them from memory; a file that is left from before goes where there are
    /// none.
    ///
    /// - Parameter suffix: of the file as long as it has not got its own name: it is written though it be empty, to
    ///   take the place of the one that has.
    /// - Returns: the file, to be made durable with the next flush; nil where there is none.
    mutating func seal(in store: any FileStore, suffix: String = "") throws(FileError) -> (any File)? {
        sealedCount = entries.count
        guard !entries.isEmpty || !suffix.isEmpty else {
            if store.exists(path) { try store.remove(path) }
            return nil
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * AbortedTransaction.byteCount)
        for entry in entries { entry.append(to: &bytes) }
        let file = try store.open(path + suffix, .replace)
        try file.write([Bytes(bytes)], at: 0)
        entries = []
        return file
    }

    /// Takes the entries back into memory, those that end below `end`, because the segment is written again.
    mutating func reopen(endingBelow end: Offset, in store: any FileStore) throws(StorageError) {
        if sealedCount != nil {
            entries = try all(in: store)
            sealedCount = nil
        }
        entries.removeAll { $0.lastOffset >= end }
    }

    /// Writes what a replay of the log found in the place of what there was.
    ///
    /// - Returns: the file, to be made durable; nil where there is none.
    mutating func replace(with found: [AbortedTransaction], in store: any FileStore) throws(FileError) -> (any File)? {
        let wasSealed = isSealed
        entries = found
        sealedCount = nil
        return wasSealed ? try seal(in: store) : nil
    }

    /// Trusts the file of a sealed segment; false where it can't be right.
    ///
    /// - Parameter range: of the offsets in the segment.
    mutating func adopt(within range: Range<Offset>, in store: any FileStore) throws(FileError) -> Bool {
        guard store.exists(path) else {
            sealedCount = 0
            return true
        }
        guard let read = try TransactionIndex.read(path, in: store) else { return false }
        let inOrder = zip(read, read.dropFirst()).allSatisfy { $0.lastOffset < $1.lastOffset }
        guard inOrder, read.allSatisfy({ range.contains($0.lastOffset) }) else { return false }
        sealedCount = read.count
        return true
    }

    /// The entries of a file; nil where one can't be read.
    private static func read(_ path: String, in store: any FileStore) throws(FileError) -> [AbortedTransaction]? {
        let bytes = Bytes(try store.readAll(path))
        guard bytes.count % AbortedTransaction.byteCount == 0 else { return nil }
        var entries: [AbortedTransaction] = []
        entries.reserveCapacity(bytes.count / AbortedTransaction.byteCount)
        for position in stride(from: 0, to: bytes.count, by: AbortedTransaction.byteCount) {
            guard let entry = AbortedTransaction(bytes, at: position) else { return nil }
            entries.append(entry)
        }
        return entries
    }
}
