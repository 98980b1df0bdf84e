import Glibc
import Primitives
import WireProtocol

/// Record batches, right and wrong.
enum Batches {
    static var now: Timestamp { Timestamp(Int64(time(nil)) * 1_000) }

    /// One batch with nothing wrong.
    static func plain(records: Int = 1, producer: BatchProducer? = nil) -> Bytes {
        var builder = RecordBatchBuilder(producer: producer)
        for index in 0..<records {
            builder.append(timestamp: now, key: nil, value: Bytes(Array("record \(index)".utf8)))
        }
        return builder.finish()
    }

    /// A batch of two records that claims to hold `count`.
    static func claiming(_ count: Int32) -> Bytes {
        let batch = plain(records: 2)
        batch.patch(count, at: RecordBatchHeader.Position.recordCount)
        batch.patch(count - 1, at: RecordBatchHeader.Position.lastOffsetDelta)
        return seal(batch)
    }

    /// A plain batch of two records with one field overwritten, and the checksum made right again.
    static func with<Field: FixedWidthInteger>(_ value: Field, at position: Int) -> Bytes {
        let batch = plain(records: 2)
        batch.patch(value, at: position)
        return seal(batch)
    }

    /// A batch that claims to hold `count` records in `payload`, all else being right.
    static func holding(_ payload: [UInt8], count: Int32, codec: Compression = .uncompressed) -> Bytes {
        let head = plain()[0..<RecordBatchHeader.sizeInBytes].array
        let batch = Bytes(head + payload)
        let length = RecordBatchHeader.sizeInBytes - RecordBatchHeader.prefixBytes + payload.count
        batch.patch(Int32(length), at: RecordBatchHeader.Position.length)
        batch.patch(Int16(codec.rawValue), at: RecordBatchHeader.Position.attributes)
        batch.patch(count - 1, at: RecordBatchHeader.Position.lastOffsetDelta)
        batch.patch(count, at: RecordBatchHeader.Position.recordCount)
        return seal(batch)
    }

    /// A number as records have it.
    static func zigzag(_ value: Int64) -> [UInt8] {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// Makes the checksum right again.
    private static func seal(_ batch: Bytes) -> Bytes {
        let checksum = CRC32C.checksum(batch[RecordBatchHeader.Position.attributes..<batch.count].span)
        batch.patch(checksum, at: RecordBatchHeader.Position.checksum)
        return batch
    }
}
