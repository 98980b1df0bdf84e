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

    /// Bytes that the next read takes: many small batches come with one, and the more of them there are the more.
    private var windowBytes = HeaderCursor.windowBytesMin
    private static let windowBytesMin = 4 << 10
    private static let windowBytesMax = 256 << 10

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
            let windowEnd = windowStart + Int64(window.count)
            let isDense = !window.isEmpty && position <= windowEnd
            windowBytes = isDense ? min(windowBytes * 2, HeaderCursor.windowBytesMax) : HeaderCursor.windowBytesMin
            do throws(FileError) {
                let count = Int(min(Int64(windowBytes), end - position))
                let buffer = Bytes(MemoryRegion(count: count), start: 0, count: count)
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
