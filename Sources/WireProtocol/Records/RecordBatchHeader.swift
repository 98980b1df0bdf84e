package import Primitives

/// The header of a record batch, read in place.
///
/// - Shape: 61 bytes; the checksum covers all from the attributes on, so base offset and leader epoch can be patched.
/// - Source: Kafka protocol guide, record batch (message format 2).
package struct RecordBatchHeader: Hashable, Sendable {
    package static let sizeInBytes = 61
    /// Bytes before those that `length` counts: base offset and the length itself.
    package static let prefixBytes = 12
    package static let currentMagic: Int8 = 2

    package var baseOffset: Offset
    /// Bytes of the batch behind the length field.
    package var length: Int32
    package var leaderEpoch: LeaderEpoch
    package var magic: Int8
    package var checksum: UInt32
    package var attributes: BatchAttributes
    package var lastOffsetDelta: Int32
    package var baseTimestamp: Timestamp
    package var maxTimestamp: Timestamp
    /// Nil where no idempotent producer wrote the batch.
    package var producerID: ProducerID?
    /// Nil on the wire as -1.
    package var producerEpoch: ProducerEpoch?
    /// The sequence number of the first record; nil on the wire as -1 (control batches have none).
    package var baseSequence: Int32?
    package var recordCount: Int32

    /// Reads the header that starts at `offset`. Only its presence is checked: see `RecordBatch` for the rest.
    package init(_ bytes: Bytes, at offset: Int = 0) throws(RecordBatchError) {
        guard offset >= 0, bytes.count - offset >= RecordBatchHeader.sizeInBytes else {
            throw .truncated(needed: RecordBatchHeader.sizeInBytes, available: bytes.count - offset)
        }
        baseOffset = Offset(bytes.bigEndian(Int64.self, at: offset))
        length = bytes.bigEndian(Int32.self, at: offset + Position.length)
        leaderEpoch = LeaderEpoch(bytes.bigEndian(Int32.self, at: offset + Position.leaderEpoch))
        magic = bytes.bigEndian(Int8.self, at: offset + Position.magic)
        checksum = bytes.bigEndian(UInt32.self, at: offset + Position.checksum)
        attributes = BatchAttributes(bits: bytes.bigEndian(Int16.self, at: offset + Position.attributes))
        lastOffsetDelta = bytes.bigEndian(Int32.self, at: offset + Position.lastOffsetDelta)
        baseTimestamp = Timestamp(bytes.bigEndian(Int64.self, at: offset + Position.baseTimestamp))
        maxTimestamp = Timestamp(bytes.bigEndian(Int64.self, at: offset + Position.maxTimestamp))
        let producerID = bytes.bigEndian(Int64.self, at: offset + Position.producerID)
        let producerEpoch = bytes.bigEndian(Int16.self, at: offset + Position.producerEpoch)
        let baseSequence = bytes.bigEndian(Int32.self, at: offset + Position.baseSequence)
        self.producerID = producerID == -1 ? nil : ProducerID(producerID)
        self.producerEpoch = producerEpoch == -1 ? nil : ProducerEpoch(producerEpoch)
        self.baseSequence = baseSequence == -1 ? nil : baseSequence
        recordCount = bytes.bigEndian(Int32.self, at: offset + Position.recordCount)
    }

    /// Bytes of the whole batch.
    package var sizeInBytes: Int { RecordBatchHeader.prefixBytes + Int(length) }
    /// The offset of the last record, which compaction may have removed.
    ///
    /// It wraps where the base offset is garbage: that field is outside the checksum, so a broken disk may say
    /// anything.
    package var lastOffset: Offset { Offset(baseOffset.value &+ Int64(lastOffsetDelta)) }
    /// The offset behind the batch; wraps as `lastOffset` does.
    package var nextOffset: Offset { Offset(lastOffset.value &+ 1) }
    /// The sequence number of the last record: it wraps to 0 behind the largest.
    package var lastSequence: Int32? {
        baseSequence.map { Int32(truncatingIfNeeded: (Int64($0) + Int64(lastOffsetDelta)) & Int64(Int32.max)) }
    }

    /// Where each field stands, from the start of the batch.
    package enum Position {
        package static let baseOffset = 0
        package static let length = 8
        package static let leaderEpoch = 12
        package static let magic = 16
        package static let checksum = 17
        package static let attributes = 21
        package static let lastOffsetDelta = 23
        package static let baseTimestamp = 27
        package static let maxTimestamp = 35
        package static let producerID = 43
        package static let producerEpoch = 51
        package static let baseSequence = 53
        package static let recordCount = 57
    }
}
