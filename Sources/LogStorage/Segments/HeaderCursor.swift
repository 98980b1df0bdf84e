import Primitives
import WireProtocol
import World

/// Walks over the batch headers of a log file without reading the records between them.
struct HeaderCursor {
    private let file: any File
    private let end: Int64
    /// Where the next batch starts.
    private(set) var position: Int64
    private var window = Bytes.empty
    private var windowStart: Int64 = 0

    /// Bytes read at a time: many small batches come with one read.
    private static let windowBytes = 4096

    init(_ file: any File, from position: Int64, to end: Int64) {
        self.file = file
        self.position = position
        self.end = end
    }

    /// The next header and where its batch starts; nil at the end.
    ///
    /// - Throws: `corrupt` when no batch stands there, or it reaches behind the end.
    mutating func next() throws(StorageError) -> (header: RecordBatchHeader, position: Int64)? {
        guard position < end else { return nil }
        let found = try header()
        guard position + Int64(found.sizeInBytes) <= end else {
            throw .corrupt(path: file.path, position: position, reason: "the batch reaches behind the end of the file")
        }
        let start = position
        position += Int64(found.sizeInBytes)
        return (found, start)
    }

    private mutating func header() throws(StorageError) -> RecordBatchHeader {
        if position < windowStart || position + Int64(RecordBatchHeader.sizeInBytes) > windowStart + Int64(window.count)
        {
            do throws(FileError) {
                let buffer = Bytes(
                    MemoryRegion(count: HeaderCursor.windowBytes), start: 0, count: HeaderCursor.windowBytes)
                let got = try file.read(into: buffer, at: position)
                window = buffer[0..<got]
                windowStart = position
            } catch { throw .file(error) }
        }
        let bytes = window[Int(position - windowStart)..<window.count]
        do throws(StorageError) { return try RecordBatchHeader(stored: bytes) } catch {
            throw .corrupt(path: file.path, position: position, reason: "\(error)")
        }
    }
}
