import Primitives
import WireProtocol
import World

/// Reads a sealed segment batch by batch and believes nothing: checksum, order and bounds are looked at.
///
/// The offset of a batch stands outside its checksum; one that is damaged breaks the order, of its own batch or of the
/// next.
struct SegmentReader: Sendable {
    let segment: CompactionSource.Segment
    let file: SegmentFile
    private var cursor: BatchCursor
    /// The next batch starts here or behind.
    private var expected: Offset

    /// - Parameter windowBytes: read at a time.
    init(_ segment: CompactionSource.Segment, _ files: any FileStore, windowBytes: Int) throws(StorageError) {
        self.segment = segment
        expected = segment.baseOffset
        do throws(FileError) {
            file = try files.openSegment(segment.path, .read)
        } catch { throw .file(error) }
        cursor = BatchCursor(file, to: segment.sizeBytes, windowBytes: max(windowBytes, 4_096))
    }

    /// Where the next batch starts, in bytes.
    var position: Int64 { cursor.position }

    /// All batches were read.
    var isAtEnd: Bool { cursor.position >= segment.sizeBytes }

    /// The next batch; nil at the end.
    ///
    /// - Throws: `corrupt` for one that is not as it was written.
    mutating func next() throws(StorageError) -> RecordBatch? {
        let step: BatchCursor.Step
        do throws(FileError) { step = try cursor.next() } catch { throw .file(error) }
        switch step {
        case .end: return nil
        case .broken(let position, let reason): throw corrupt(position, reason)
        case .batch(let header, let bytes, let position):
            guard header.baseOffset >= expected, header.nextOffset <= segment.endOffset else {
                throw corrupt(
                    position,
                    "the batch at offset \(header.baseOffset) stands between offsets \(expected) and "
                        + "\(segment.endOffset)")
            }
            expected = header.nextOffset
            do throws(RecordBatchError) { return try RecordBatch(bytes) } catch { throw corrupt(position, "\(error)") }
        }
    }

    private func corrupt(_ position: Int64, _ reason: String) -> StorageError {
        .corrupt(path: segment.path, position: position, reason: reason)
    }
}
