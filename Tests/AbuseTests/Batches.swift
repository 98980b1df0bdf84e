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

    /// Makes the checksum right again.
    private static func seal(_ batch: Bytes) -> Bytes {
        let checksum = CRC32C.checksum(batch[RecordBatchHeader.Position.attributes..<batch.count].span)
        batch.patch(checksum, at: RecordBatchHeader.Position.checksum)
        return batch
    }
}
