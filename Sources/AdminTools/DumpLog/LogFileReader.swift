import LiveWorld
import Primitives
import WireProtocol
import World

/// Reads the batches of a log file one after the other, without a node.
struct LogFileReader {
    /// What stands at a position.
    enum Step {
        case batch(RecordBatch, position: Int64)
        /// No whole batch; so many bytes are left.
        case invalid(bytes: Int64)
        case end
    }

    private let file: any File
    private let size: Int64
    private let batchBytesMax: Int
    private(set) var position: Int64 = 0

    /// - Parameter bytesMax: how much of the file is read; nil for all of it.
    init(path: String, batchBytesMax: Int, bytesMax: Int64?) throws(FileError) {
        file = try PosixFileStore().open(path, .read)
        size = min(try file.size(), bytesMax ?? .max)
        self.batchBytesMax = batchBytesMax
    }

    mutating func next() throws(FileError) -> Step {
        guard position < size else { return .end }
        let rest = size - position
        guard rest >= Int64(RecordBatchHeader.sizeInBytes),
            let header = try? RecordBatchHeader(try bytes(at: position, count: RecordBatchHeader.sizeInBytes)),
            header.length > 0, header.sizeInBytes <= batchBytesMax, Int64(header.sizeInBytes) <= rest,
            let batch = try? RecordBatch(try bytes(at: position, count: header.sizeInBytes))
        else { return .invalid(bytes: rest) }
        defer { position += Int64(batch.sizeInBytes) }
        return .batch(batch, position: position)
    }

    /// The header of the batch that begins at a position; nil where none does.
    func header(at position: Int64) throws(FileError) -> RecordBatchHeader? {
        try? RecordBatchHeader(try bytes(at: position, count: RecordBatchHeader.sizeInBytes))
    }

    /// Part of the file, as much as there is of it.
    func bytes(at position: Int64, count: Int) throws(FileError) -> Bytes {
        let buffer = Bytes(MemoryRegion(count: count), start: 0, count: count)
        var done = 0
        while done < count {
            let got = try file.read(into: buffer[done..<count], at: position + Int64(done))
            if got == 0 { break }
            done += got
        }
        return buffer[0..<done]
    }
}
