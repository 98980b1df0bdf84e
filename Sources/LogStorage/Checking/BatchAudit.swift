import Primitives
import WireProtocol
package import World

/// Reads batches again and compares them with all that is known of them: checksums, offsets that follow each other,
/// leader epochs as the log's cache has them.
///
/// Offset and epoch of a batch stand outside its checksum. In a log with gaps an offset that was moved within one is
/// not seen.
package struct BatchAudit: Sendable {
    /// What is known of a log beside its batches.
    struct Known: Sendable {
        let mayHaveGaps: Bool
        let epochs: LeaderEpochs
        /// Nobody reads what lies before it: that may be damaged.
        let logStart: Offset
    }

    /// How far a step came.
    package enum Progress: Hashable, Sendable {
        /// So many bytes were read; there are more.
        case working(bytes: Int64)
        /// The last bytes were read, all is sound.
        case sound(bytes: Int64)
        case damaged(LogDamage)
    }

    private let path: String
    private let known: Known
    private let end: Offset?
    private var cursor: BatchCursor
    /// Where the next batch starts; nil before the first of a range that begins anywhere.
    private var expected: Offset?
    /// The batch before, and what was due there.
    private var before: (position: Int64, expected: Offset?)?

    /// Read at a time.
    private static let windowBytes = 256 << 10

    /// - Parameter start: the offset of the first batch; nil where any may stand.
    /// - Parameter end: exclusive; what the last batch ends with, where there are no gaps. Nil where any may follow.
    init(_ file: any File, _ range: Range<Int64>, from start: Offset?, upTo end: Offset?, known: Known) {
        path = file.path
        self.known = known
        self.end = end
        expected = start
        cursor = BatchCursor(
            file, from: range.lowerBound, to: range.upperBound, windowBytes: BatchAudit.windowBytes, reusesWindow: true)
    }

    /// Reads about so many more bytes; blocks.
    package mutating func step(bytes limit: Int64) throws(FileError) -> Progress {
        let began = cursor.position
        while cursor.position - began < limit {
            switch try cursor.next(checkingChecksum: false) {
            case .batch(let header, let batch, let position):
                if let reason = complaint(header, batch), header.nextOffset > known.logStart || !follows(header) {
                    // With gaps an offset that is too high shows only at the next batch.
                    if known.mayHaveGaps, !follows(header), let before {
                        return .damaged(damage(at: before.position, due: before.expected, reason))
                    }
                    return .damaged(damage(at: position, due: expected, reason))
                }
                before = (position, expected)
                expected = header.nextOffset
            case .broken(let position, let reason): return .damaged(damage(at: position, due: expected, reason))
            case .end:
                if let expected, let end, !known.mayHaveGaps, expected != end {
                    return .damaged(
                        damage(at: cursor.position, due: expected, "the file ends with offset \(expected), not \(end)"))
                }
                return .sound(bytes: cursor.position - began)
            }
        }
        return .working(bytes: cursor.position - began)
    }

    /// Reads all of it; blocks.
    package mutating func run() throws(FileError) -> LogDamage? {
        while true {
            switch try step(bytes: 1 << 20) {
            case .working: continue
            case .sound: return nil
            case .damaged(let damage): return damage
            }
        }
    }

    private func follows(_ header: RecordBatchHeader) -> Bool {
        guard let expected else { return true }
        return header.baseOffset == expected || known.mayHaveGaps && header.baseOffset > expected
    }

    private func complaint(_ header: RecordBatchHeader, _ batch: Bytes) -> String? {
        if !header.isIntact(batch) { return "the checksum of the batch at offset \(header.baseOffset) is wrong" }
        guard follows(header), end.map({ header.nextOffset <= $0 }) ?? true else {
            return "a batch at offset \(header.baseOffset) stands where offset \(expected ?? .zero) is due"
        }
        // Logs of old brokers have batches without an epoch, which is −1.
        guard let epoch = known.epochs.epoch(at: header.lastOffset), header.leaderEpoch != LeaderEpoch(-1),
            header.leaderEpoch != epoch
        else { return nil }
        return "a batch of leader epoch \(header.leaderEpoch) stands where epoch \(epoch) is due"
    }

    private func damage(at position: Int64, due offset: Offset?, _ reason: String) -> LogDamage {
        LogDamage(path: path, position: position, offset: offset, reason: reason)
    }
}
