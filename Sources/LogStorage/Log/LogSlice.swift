package import Primitives
import World

/// Whole batches that stand one after the other in one file, to be sent or read without looking at them.
package struct LogSlice: Sendable {
    package let file: SegmentFile
    /// Where the first batch starts in the file.
    package let position: Int64
    /// Bytes of all the batches; 0 when there is nothing to read.
    package let count: Int
    /// The base offset of the first batch; may lie before the offset asked for, which can stand inside the batch.
    package let baseOffset: Offset
    /// Exclusive: the offset after the last record of the last batch.
    package let endOffset: Offset

    package init(file: SegmentFile, position: Int64, count: Int, baseOffset: Offset, endOffset: Offset) {
        self.file = file
        self.position = position
        self.count = count
        self.baseOffset = baseOffset
        self.endOffset = endOffset
    }

    package var isEmpty: Bool { count == 0 }

    /// The batches before damage that was found in it; nil where that is nothing.
    package func prefix(before damage: LogDamage) -> LogSlice? {
        guard let end = damage.offset, damage.position > position, damage.path == file.path else { return nil }
        return LogSlice(
            file: file, position: position, count: Int(damage.position - position), baseOffset: baseOffset,
            endOffset: end)
    }

    /// True when sending it will not wait for a disk.
    package var isResident: Bool { count == 0 || file.isResident(from: position, count: count) }

    private var range: Range<Int64> { position..<position + Int64(count) }

    /// True when all of it was written by this process, or checked, and was not seen to leave the page cache since: as
    /// long as it is resident it need not be checked.
    package func isTrusted(now: MonotonicInstant) -> Bool { file.isTrusted(range, now: now) }

    /// It was not resident.
    package func distrust() { file.distrust(range) }

    /// It was compared with its checksums, and is sound.
    package func wasChecked(now: MonotonicInstant) { file.wasChecked(range, now: now) }

    /// Reads it into memory; may wait for a disk, and needs no lock: the file stays readable as long as the slice
    /// lives.
    package func read() throws(StorageError) -> Bytes {
        let buffer = Bytes(MemoryRegion(count: count), start: 0, count: count)
        var done = 0
        do throws(FileError) {
            while done < buffer.count {
                let got = try file.read(into: buffer[done..<buffer.count], at: position + Int64(done))
                if got == 0 { break }
                done += got
            }
        } catch { throw .file(error) }
        guard done == buffer.count else {
            throw .corrupt(path: file.path, position: position + Int64(done), reason: "the file is too short")
        }
        return buffer
    }
}
