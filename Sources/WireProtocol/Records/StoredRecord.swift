package import Primitives

/// A record as it stands in a batch: what compaction decides by, and the bytes that it keeps as they are.
package struct StoredRecord: Sendable {
    package let offset: Offset
    package let timestamp: Timestamp
    package let key: Bytes?
    /// It has no value: its key is deleted.
    package let isTombstone: Bool
    let attributes: Int8
    let offsetDelta: Int32
    /// From the length of the key on: key, value and headers.
    let rest: Bytes
}

extension RecordBatch {
    /// All records of the batch, decompressed. Headers of records are not looked into: they need be no text.
    ///
    /// - Errors: those of `RecordIterator`; `decompressedTooLarge` beyond `decompressedMaxBytes`.
    package func storedRecords(decompressedMaxBytes: Int) throws(RecordBatchError) -> [StoredRecord] {
        var bodies = try RecordIterator(self, decompressedMaxBytes: decompressedMaxBytes)
        var records: [StoredRecord] = []
        while let body = try bodies.nextBody() {
            do throws(WireError) { records.append(try StoredRecord(body, header)) } catch {
                throw .malformedRecord(index: records.count, reason: "\(error)")
            }
        }
        return records
    }

    /// The batch with some of its records: offsets, producer, sequence, epoch and codec stay, so that its last offset
    /// and last sequence do (KAFKA-5490). Without a horizon the first record's time is the base, as Kafka writes it.
    ///
    /// - Parameter records: one at least, out of this batch, in order.
    /// - Parameter deleteHorizon: from when on the batch's tombstones may go (KIP-534).
    package func keeping(_ records: [StoredRecord], deleteHorizon: Timestamp?) -> Bytes {
        guard let codec = header.attributes.compression, let first = records.first else {
            preconditionFailure("a batch is rewritten without records or codec")
        }
        let base = deleteHorizon ?? first.timestamp
        var plain = WireWriter(capacity: payload.count)
        for record in records { record.write(to: &plain, baseTimestamp: base) }
        let payload = codec.compress(plain.finish())
        var written = header
        written.baseTimestamp = base
        if header.attributes.timestampType == .createTime {
            written.maxTimestamp = records.reduce(first.timestamp) { max($0, $1.timestamp) }
        }
        written.recordCount = Int32(records.count)
        written.attributes = header.attributes.withDeleteHorizon(deleteHorizon != nil)
        return written.sealed(around: payload)
    }

    /// The batch without a record: what is left of a producer's last one (KAFKA-5490).
    package func emptied() -> Bytes {
        var written = header
        written.baseTimestamp = Timestamp(-1)
        written.recordCount = 0
        written.attributes = header.attributes.withDeleteHorizon(false)
        written.attributes.bits &= ~0x07
        return written.sealed(around: .empty)
    }
}

extension StoredRecord {
    fileprivate init(_ body: Bytes, _ header: RecordBatchHeader) throws(WireError) {
        var reader = WireReader(body)
        attributes = try reader.int8()
        let timestampDelta = try reader.varlong()
        offsetDelta = try reader.varint()
        rest = body[reader.position..<body.count]
        key = try reader.recordBytes()
        isTombstone = try reader.recordBytes() == nil
        offset = Offset(header.baseOffset.value &+ Int64(offsetDelta))
        timestamp =
            header.attributes.timestampType == .logAppendTime
            ? header.maxTimestamp : Timestamp(header.baseTimestamp.value &+ timestampDelta)
    }

    fileprivate func write(to writer: inout WireWriter, baseTimestamp: Timestamp) {
        var body = WireWriter(capacity: rest.count + 16)
        body.int8(attributes)
        body.varlong(timestamp.value &- baseTimestamp.value)
        body.varint(offsetDelta)
        body.raw(rest)
        let written = body.finish()
        writer.varint(Int32(written.count))
        writer.raw(written)
    }
}

extension BatchAttributes {
    fileprivate func withDeleteHorizon(_ isSet: Bool) -> BatchAttributes {
        BatchAttributes(bits: isSet ? bits | 0x40 : bits & ~0x40)
    }
}

extension RecordBatchHeader {
    /// The bytes of a batch with this header, length and checksum made anew.
    fileprivate func sealed(around payload: Bytes) -> Bytes {
        var writer = WireWriter(capacity: RecordBatchHeader.sizeInBytes + payload.count)
        writer.int64(baseOffset.value)
        writer.int32(Int32(RecordBatchHeader.sizeInBytes - RecordBatchHeader.prefixBytes + payload.count))
        writer.int32(leaderEpoch.value)
        writer.int8(magic)
        writer.uint32(0)
        writer.int16(attributes.bits)
        writer.int32(lastOffsetDelta)
        writer.int64(baseTimestamp.value)
        writer.int64(maxTimestamp.value)
        writer.int64(producerID?.value ?? -1)
        writer.int16(producerEpoch?.value ?? -1)
        writer.int32(baseSequence ?? -1)
        writer.int32(recordCount)
        writer.raw(payload)
        let bytes = writer.finish()
        let checked = bytes[Position.attributes..<bytes.count]
        bytes.patch(CRC32C.checksum(checked.span), at: Position.checksum)
        return bytes
    }
}
