import LogStorage
import Primitives
import Testing
import WireProtocol
import World

/// A key and a value for it; nil deletes the key.
typealias KeyedValue = (key: String, value: String?)

/// A batch of keyed records.
func keyed(
    _ records: [KeyedValue], time: Int64 = 1_000, compression: Compression = .uncompressed,
    producer: BatchProducer? = nil, isTransactional: Bool = false
) -> Bytes {
    var builder = RecordBatchBuilder(
        compression: compression, producer: producer, isTransactional: isTransactional)
    for (index, record) in records.enumerated() {
        builder.append(
            timestamp: Timestamp(time + Int64(index)), key: Bytes(utf8: record.key),
            value: record.value.map { Bytes(utf8: $0) }, headers: [RecordHeader(key: "h", value: nil)])
    }
    return builder.finish()
}

/// The marker that ends a transaction.
func marker(_ type: ControlRecordType, _ producer: Int64, epoch: Int16 = 0, time: Int64 = 1_000) -> Bytes {
    RecordBatchBuilder.control(
        type, value: Bytes([0, 0, 0, 0, 0, 1]), timestamp: Timestamp(time),
        producer: BatchProducer(id: ProducerID(producer), epoch: ProducerEpoch(epoch), baseSequence: nil),
        isTransactional: true)
}

extension LogFixture {
    /// A compacted topic with segments of a few batches.
    static func compacted(
        _ disk: SimDisk = SimDisk(), _ configure: (inout LogConfiguration) -> Void = { _ in }
    ) throws -> LogFixture {
        try LogFixture(disk: disk) {
            $0.segmentBytes = 600
            $0.indexIntervalBytes = 100
            $0.isCompacted = true
            $0.isDeletedByRetention = false
            $0.deleteRetentionMilliseconds = 1_000
            configure(&$0)
        }
    }

    /// One compaction, all of it.
    ///
    /// - Returns: what it did; nil when there was nothing to do.
    @discardableResult
    mutating func compact(
        highWatermark: Offset? = nil, mapBytes: Int = 1 << 20, stepBytes: Int64 = 300
    ) throws -> LogCompaction.Figures? {
        guard let source = log.compactionSource(highWatermark: highWatermark ?? log.logEndOffset, now: now) else {
            return nil
        }
        var compaction = LogCompaction(
            source, files: disk, limits: LogCompaction.Limits(mapBytes: mapBytes, mapLoad: 0.9, bufferBytes: 512),
            secret: KeyHash.Secret(1, 2), now: now)
        while true {
            switch try compaction.step(bytes: stepBytes) {
            case .working: continue
            case .cleaned(let segment):
                let removals = try #require(try log.replace(with: segment))
                for removal in removals { try removal.run(disk) }
            case .finished(let end):
                log.compacted(upTo: end)
                return compaction.figures
            }
        }
    }

    /// The batches of the whole log.
    mutating func batches() throws -> [RecordBatch] {
        var reader = RecordBatches(Bytes(try contents()))
        var batches: [RecordBatch] = []
        while let batch = try reader.next() {
            try batch.verifyChecksum()
            batches.append(batch)
        }
        return batches
    }

    /// Every record with a key, as `offset key=value`.
    mutating func records() throws -> [String] {
        var found: [String] = []
        for batch in try batches() where !batch.header.attributes.isControl {
            var records = try RecordIterator(batch)
            while let record = try records.next() {
                let key = record.key.map { String(decoding: $0.array, as: UTF8.self) } ?? "-"
                let value = record.value.map { String(decoding: $0.array, as: UTF8.self) } ?? "null"
                found.append("\(record.offset) \(key)=\(value)")
            }
        }
        return found
    }

    /// What a reader of the whole log knows in the end.
    mutating func table() throws -> [String: String] {
        var table: [String: String] = [:]
        for batch in try batches() where !batch.header.attributes.isControl {
            var records = try RecordIterator(batch)
            while let record = try records.next() {
                let key = record.key.map { String(decoding: $0.array, as: UTF8.self) } ?? "-"
                table[key] = record.value.map { String(decoding: $0.array, as: UTF8.self) }
            }
        }
        return table
    }
}
