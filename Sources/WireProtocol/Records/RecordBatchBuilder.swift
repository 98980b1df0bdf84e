package import Primitives

/// Builds a batch of records: for the client, the coordinators and the quorum.
package struct RecordBatchBuilder: Sendable {
    package var compression: Compression
    package var compressionLevel: Int32?
    package var baseOffset: Offset
    /// Nil as long as no leader placed the batch.
    package var leaderEpoch: LeaderEpoch?
    package var producer: BatchProducer?
    package var isTransactional: Bool
    package var isControl: Bool

    private var records: [UInt8] = []
    package private(set) var count: Int32 = 0
    package private(set) var baseTimestamp = Timestamp(-1)
    package private(set) var maxTimestamp = Timestamp(-1)

    package init(
        compression: Compression = .uncompressed, compressionLevel: Int32? = nil, baseOffset: Offset = .zero,
        leaderEpoch: LeaderEpoch? = nil, producer: BatchProducer? = nil, isTransactional: Bool = false,
        isControl: Bool = false
    ) {
        self.compression = compression
        self.compressionLevel = compressionLevel
        self.baseOffset = baseOffset
        self.leaderEpoch = leaderEpoch
        self.producer = producer
        self.isTransactional = isTransactional
        self.isControl = isControl
    }

    package var isEmpty: Bool { count == 0 }

    /// Bytes of the batch before compression.
    package var sizeInBytes: Int { RecordBatchHeader.sizeInBytes + records.count }

    /// The most bytes that one more record can add.
    package static func recordSizeMax(key: Bytes?, value: Bytes?, headers: [RecordHeader] = []) -> Int {
        var size = 31 + (key?.count ?? 0) + (value?.count ?? 0)
        for header in headers { size += 10 + header.key.utf8.count + (header.value?.count ?? 0) }
        return size
    }

    /// Adds a record behind the ones that are there.
    package mutating func append(
        timestamp: Timestamp, key: Bytes?, value: Bytes?, headers: [RecordHeader] = []
    ) {
        if count == 0 { baseTimestamp = timestamp }
        maxTimestamp = count == 0 ? timestamp : max(maxTimestamp, timestamp)
        let delta = timestamp.value &- baseTimestamp.value
        var size = 1 + varintSize(delta) + varintSize(Int64(count)) + fieldSize(key?.count) + fieldSize(value?.count)
        size += varintSize(Int64(headers.count))
        for header in headers { size += fieldSize(header.key.utf8.count) + fieldSize(header.value?.count) }
        varint(Int64(size))
        records.append(0)
        varint(delta)
        varint(Int64(count))
        field(key)
        field(value)
        varint(Int64(headers.count))
        for header in headers {
            varint(Int64(header.key.utf8.count))
            records.append(contentsOf: header.key.utf8)
            field(header.value)
        }
        count += 1
    }

    /// Adds a control record; the batch must be a control batch.
    package mutating func append(control type: ControlRecordType, timestamp: Timestamp, value: Bytes) {
        precondition(isControl, "control records belong into control batches")
        append(timestamp: timestamp, key: type.key, value: value)
    }

    /// The batch, with its checksum. The builder stays as it is.
    package func finish() -> Bytes {
        let plain = Bytes(records)
        let payload = compression == .uncompressed ? plain : compression.compress(plain, level: compressionLevel)
        var writer = WireWriter(capacity: RecordBatchHeader.sizeInBytes + payload.count)
        writer.int64(baseOffset.value)
        writer.int32(Int32(RecordBatchHeader.sizeInBytes - RecordBatchHeader.prefixBytes + payload.count))
        writer.int32(leaderEpoch?.value ?? -1)
        writer.int8(RecordBatchHeader.currentMagic)
        writer.uint32(0)
        let attributes = BatchAttributes(
            compression: compression, isTransactional: isTransactional, isControl: isControl)
        writer.int16(attributes.bits)
        writer.int32(max(count - 1, 0))
        writer.int64(baseTimestamp.value)
        writer.int64(maxTimestamp.value)
        writer.int64(producer?.id.value ?? -1)
        writer.int16(producer?.epoch.value ?? -1)
        writer.int32(producer?.baseSequence ?? -1)
        writer.int32(count)
        writer.raw(payload)
        let batch = writer.finish()
        let checksum = CRC32C.checksum(batch[RecordBatchHeader.Position.attributes..<batch.count].span)
        batch.patch(checksum, at: RecordBatchHeader.Position.checksum)
        return batch
    }

    // MARK: - Zigzag varints, as records have them

    private func varintSize(_ value: Int64) -> Int {
        let coded = UInt64(bitPattern: value << 1 ^ value >> 63)
        return max(1, (70 - coded.leadingZeroBitCount) / 7)
    }

    private func fieldSize(_ count: Int?) -> Int {
        guard let count else { return 1 }
        return varintSize(Int64(count)) + count
    }

    private mutating func varint(_ value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            records.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        records.append(UInt8(rest))
    }

    private mutating func field(_ bytes: Bytes?) {
        guard let bytes else { return varint(-1) }
        varint(Int64(bytes.count))
        unsafe bytes.withUnsafeBytes { unsafe records.append(contentsOf: $0) }
    }
}

extension RecordBatchBuilder {
    /// A batch of one control record.
    package static func control(
        _ type: ControlRecordType, value: Bytes, timestamp: Timestamp, baseOffset: Offset = .zero,
        leaderEpoch: LeaderEpoch? = nil, producer: BatchProducer? = nil, isTransactional: Bool = false
    ) -> Bytes {
        var builder = RecordBatchBuilder(
            baseOffset: baseOffset, leaderEpoch: leaderEpoch, producer: producer, isTransactional: isTransactional,
            isControl: true)
        builder.append(control: type, timestamp: timestamp, value: value)
        return builder.finish()
    }
}
