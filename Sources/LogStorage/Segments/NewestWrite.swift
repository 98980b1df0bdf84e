import Primitives

/// What was written last, as the bytes in memory that it was written from: whoever reads it in the same moment is
/// spared the look whether it has to wait for the disk, and the read.
struct NewestWrite: Sendable {
    /// Larger reads leave by `sendfile`, which copies nothing.
    static let bytesMax = 16 << 10

    private let range: Range<Int64>
    private let pieces: [Bytes]

    /// Nil where it is too much.
    init?(_ pieces: [Bytes], at position: Int64) {
        var count = 0
        for piece in pieces { count += piece.count }
        guard count <= NewestWrite.bytesMax else { return nil }
        range = position..<position + Int64(count)
        self.pieces = pieces
    }

    /// Copies what stands at `position` into all of `buffer`; false where not all of it is here.
    func read(into buffer: Bytes, at position: Int64) -> Bool {
        guard position >= range.lowerBound, position + Int64(buffer.count) <= range.upperBound else { return false }
        var skipped = Int(position - range.lowerBound)
        var done = 0
        for piece in pieces where done < buffer.count {
            if skipped >= piece.count {
                skipped -= piece.count
                continue
            }
            let taken = min(piece.count - skipped, buffer.count - done)
            buffer[done..<buffer.count].move(piece[skipped..<skipped + taken])
            done += taken
            skipped = 0
        }
        return true
    }
}
