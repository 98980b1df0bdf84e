import Primitives
import WireProtocol

/// What a log asks of the header of a batch that stands in it or shall stand in it.
extension RecordBatchHeader {
    /// The header at the start of `bytes`, which may go on behind the batch or end within its records.
    ///
    /// - Throws: `invalidBatch` when no batch can start so.
    init(stored bytes: Bytes) throws(StorageError) {
        do throws(RecordBatchError) { try self.init(bytes) } catch { throw .invalidBatch(reason: "\(error)") }
        guard magic == RecordBatchHeader.currentMagic else {
            throw .invalidBatch(reason: "message format \(magic) instead of 2")
        }
        guard Int(length) >= RecordBatchHeader.sizeInBytes - RecordBatchHeader.prefixBytes else {
            throw .invalidBatch(reason: "batch length \(length) is smaller than a header")
        }
        guard lastOffsetDelta >= 0, baseOffset.value >= 0, baseOffset.value <= Int64.max - Int64(lastOffsetDelta) - 1
        else { throw .invalidBatch(reason: "base offset \(baseOffset) with \(lastOffsetDelta) more") }
    }

    /// The epoch of the leader that placed the batch; nil where none did.
    var stampedEpoch: LeaderEpoch? { leaderEpoch.value >= 0 ? leaderEpoch : nil }

    /// Whether these bytes are the whole batch and its checksum is right.
    func isIntact(_ batch: Bytes) -> Bool {
        batch.count == sizeInBytes
            && CRC32C.checksum(batch[Position.attributes..<batch.count].span) == checksum
    }
}
