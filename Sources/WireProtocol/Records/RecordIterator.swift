import Primitives

/// Walks over the records of a batch; every size is checked against what is there before it is used.
package struct RecordIterator: Sendable {
    private let header: RecordBatchHeader
    private let payload: Bytes
    private var position = 0
    private var index: Int32 = 0

    /// Starts at the first record of `batch`.
    ///
    /// - Errors: `corruptCompression`, `decompressedTooLarge`, `unknownCompression`, `invalidCount`.
    package init(
        _ batch: RecordBatch, decompressedMaxBytes: Int = Compression.outputMaxBytes
    ) throws(RecordBatchError) {
        header = batch.header
        guard header.recordCount >= 0 else {
            throw .invalidCount(count: header.recordCount, lastOffsetDelta: header.lastOffsetDelta)
        }
        guard let compression = header.attributes.compression else {
            throw .unknownCompression(header.attributes.bits)
        }
        payload = try RecordIterator.decompressed(batch.payload, compression, limit: decompressedMaxBytes)
    }

    private static func decompressed(
        _ bytes: Bytes, _ compression: Compression, limit: Int
    ) throws(RecordBatchError) -> Bytes {
        if compression == .uncompressed { return bytes }
        do {
            return try compression.decompress(bytes, limit: limit)
        } catch {
            switch error {
            case .corrupt: throw .corruptCompression
            case .tooLarge: throw .decompressedTooLarge
            }
        }
    }

    /// The next record; nil behind the last.
    ///
    /// - Errors: `malformedRecord`, also for bytes left over behind the last record.
    package mutating func next() throws(RecordBatchError) -> Record? {
        guard let body = try nextBody() else { return nil }
        do {
            return try RecordIterator.record(body, header)
        } catch {
            throw .malformedRecord(index: Int(index) - 1, reason: "\(error)")
        }
    }

    /// The bytes of the next record behind its length, as a slice.
    mutating func nextBody() throws(RecordBatchError) -> Bytes? {
        guard index < header.recordCount else {
            guard position == payload.count else {
                throw .malformedRecord(index: Int(index), reason: "\(payload.count - position) bytes left over")
            }
            return nil
        }
        let rest = payload[position..<payload.count]
        do {
            var reader = WireReader(rest)
            let size = Int(try reader.varint())
            let body = try reader.slice(size)
            position += reader.position
            index += 1
            return body
        } catch {
            throw .malformedRecord(index: Int(index), reason: "\(error)")
        }
    }

    private static func record(_ body: Bytes, _ header: RecordBatchHeader) throws(WireError) -> Record {
        var reader = WireReader(body)
        _ = try reader.int8()
        let timestampDelta = try reader.varlong()
        let offsetDelta = try reader.varint()
        let key = try reader.recordBytes()
        let value = try reader.recordBytes()
        let count = Int(try reader.varint())
        // A header takes two bytes at least.
        guard count >= 0, count <= reader.remaining / 2 else {
            throw .truncated(needed: count, remaining: reader.remaining)
        }
        try reader.charge(count, of: MemoryLayout<RecordHeader>.stride)
        var headers: [RecordHeader] = []
        for _ in 0..<count {
            let length = Int(try reader.varint())
            guard length >= 0 else { throw .unexpectedNull }
            let key = try reader.headerKey(length)
            headers.append(RecordHeader(key: key, value: try reader.recordBytes()))
        }
        try reader.finish()
        let timestamp =
            header.attributes.timestampType == .logAppendTime
            ? header.maxTimestamp : Timestamp(header.baseTimestamp.value &+ timestampDelta)
        return Record(
            offset: Offset(header.baseOffset.value &+ Int64(offsetDelta)), timestamp: timestamp, key: key,
            value: value, headers: headers)
    }
}

extension WireReader {
    /// The key of a header. A broker takes any bytes for one, so none may keep a consumer from its record: what is no
    /// UTF-8 is replaced, as Kafka's clients do.
    @_lifetime(self: copy self)
    fileprivate mutating func headerKey(_ length: Int) throws(WireError) -> String {
        let bytes = try slice(length)
        // Each wrong byte becomes a character of three.
        if length > 15 { try charge(3 * length + 32, of: 1) }
        return unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Bytes with a zigzag length before them, as records have; -1 is null.
    @_lifetime(self: copy self)
    mutating func recordBytes() throws(WireError) -> Bytes? {
        let length = Int(try varint())
        return length == -1 ? nil : try slice(length)
    }
}
