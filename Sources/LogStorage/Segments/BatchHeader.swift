import Primitives

/// The fixed part of a record batch of version 2, as far as a log looks at it.
struct BatchHeader: Hashable, Sendable {
    /// Bytes before the records.
    static let byteCount = 61
    /// Bytes up to and with the length field, which the length does not count.
    static let lengthOverhead = 12
    /// Where the checksummed part begins.
    static let checksummedFrom = 21

    var baseOffset: Offset
    /// Of the whole batch, its length field counted in.
    var byteCount: Int
    /// Nil for a batch that no leader has stamped.
    var epoch: LeaderEpoch?
    var checksum: UInt32
    var attributes: Int16
    var lastOffsetDelta: Int32
    var maxTimestamp: Timestamp
    /// Nil for a batch of a producer without id.
    var producerID: ProducerID?
    var producerEpoch: ProducerEpoch
    var baseSequence: Int32

    /// Exclusive.
    var endOffset: Offset { baseOffset + Int64(lastOffsetDelta) + 1 }
    var lastOffset: Offset { baseOffset + Int64(lastOffsetDelta) }
    var isTransactional: Bool { attributes & 0x10 != 0 }
    var isControl: Bool { attributes & 0x20 != 0 }

    private enum At {
        static let length = 8
        static let epoch = 12
        static let magic = 16
        static let checksum = 17
        static let attributes = 21
        static let lastOffsetDelta = 23
        static let maxTimestamp = 35
        static let producerID = 43
        static let producerEpoch = 51
        static let baseSequence = 53
    }

    /// Reads the header at the start of `bytes`, which may go on behind the batch or end within its records.
    ///
    /// - Throws: `invalidBatch` when no batch can start so.
    init(_ bytes: Bytes) throws(StorageError) {
        guard bytes.count >= BatchHeader.byteCount else {
            throw .invalidBatch(reason: "\(bytes.count) bytes are too few for a header")
        }
        let magic = bytes[At.magic]
        guard magic == 2 else { throw .invalidBatch(reason: "magic \(magic) instead of 2") }
        let length = bytes.bigEndian(Int32.self, at: At.length)
        guard length >= Int32(BatchHeader.byteCount - BatchHeader.lengthOverhead) else {
            throw .invalidBatch(reason: "length \(length) is too short")
        }
        baseOffset = Offset(bytes.bigEndian(Int64.self, at: 0))
        byteCount = Int(length) + BatchHeader.lengthOverhead
        let stamped = bytes.bigEndian(Int32.self, at: At.epoch)
        epoch = stamped >= 0 ? LeaderEpoch(stamped) : nil
        checksum = bytes.bigEndian(UInt32.self, at: At.checksum)
        attributes = bytes.bigEndian(Int16.self, at: At.attributes)
        lastOffsetDelta = bytes.bigEndian(Int32.self, at: At.lastOffsetDelta)
        maxTimestamp = Timestamp(bytes.bigEndian(Int64.self, at: At.maxTimestamp))
        let producer = bytes.bigEndian(Int64.self, at: At.producerID)
        producerID = producer >= 0 ? ProducerID(producer) : nil
        producerEpoch = ProducerEpoch(bytes.bigEndian(Int16.self, at: At.producerEpoch))
        baseSequence = bytes.bigEndian(Int32.self, at: At.baseSequence)
        guard lastOffsetDelta >= 0, baseOffset.value >= 0, baseOffset.value <= Int64.max - Int64(lastOffsetDelta) - 1
        else { throw .invalidBatch(reason: "offsets \(baseOffset) and \(lastOffsetDelta) more") }
    }

    /// Whether the whole batch is there and its checksum is right.
    func isIntact(_ batch: Bytes) -> Bool {
        batch.count == byteCount
            && CRC32C.checksum(batch[BatchHeader.checksummedFrom..<batch.count].span) == checksum
    }

    /// Gives a producer's batch its place in the log; both fields stand outside the checksum.
    mutating func assign(_ offset: Offset, _ leaderEpoch: LeaderEpoch, in batch: Bytes) {
        baseOffset = offset
        epoch = leaderEpoch
        batch.patch(offset.value, at: 0)
        batch.patch(leaderEpoch.value, at: At.epoch)
    }

    /// Gives a batch the broker's time (`LogAppendTime`), which changes the checksum.
    mutating func stamp(_ time: Timestamp, in batch: Bytes) {
        attributes |= 0x08
        maxTimestamp = time
        batch.patch(attributes, at: At.attributes)
        batch.patch(time.value, at: At.maxTimestamp)
        checksum = CRC32C.checksum(batch[BatchHeader.checksummedFrom..<batch.count].span)
        batch.patch(checksum, at: At.checksum)
    }
}
