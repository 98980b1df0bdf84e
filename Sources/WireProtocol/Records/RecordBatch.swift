package import Primitives

/// One whole batch in its bytes: a header that fits them, and the records behind it.
package struct RecordBatch: Hashable, Sendable {
    package fileprivate(set) var header: RecordBatchHeader
    /// Exactly the batch.
    package let bytes: Bytes

    /// The batch that starts at `offset` of `bytes`.
    ///
    /// - Errors: `truncated`, `invalidLength`, `unsupportedMagic`. The checksum is not looked at.
    package init(_ bytes: Bytes, at offset: Int = 0) throws(RecordBatchError) {
        // Older formats have shorter headers, with the magic byte in the same place.
        let magicAt = offset + RecordBatchHeader.Position.magic
        if offset >= 0, magicAt < bytes.count {
            let magic = bytes.bigEndian(Int8.self, at: magicAt)
            guard magic == RecordBatchHeader.currentMagic else { throw .unsupportedMagic(magic) }
        }
        let header = try RecordBatchHeader(bytes, at: offset)
        guard Int(header.length) >= RecordBatchHeader.sizeInBytes - RecordBatchHeader.prefixBytes else {
            throw .invalidLength(header.length)
        }
        guard header.sizeInBytes <= bytes.count - offset else {
            throw .truncated(needed: header.sizeInBytes, available: bytes.count - offset)
        }
        self.header = header
        self.bytes = bytes[offset..<offset + header.sizeInBytes]
    }

    package var sizeInBytes: Int { bytes.count }

    /// What the checksum of these bytes should be.
    package var computedChecksum: UInt32 {
        CRC32C.checksum(bytes[RecordBatchHeader.Position.attributes..<bytes.count].span)
    }

    /// Throws `checksumMismatch` where the stored checksum is not that of the bytes.
    package func verifyChecksum() throws(RecordBatchError) {
        let computed = computedChecksum
        guard computed == header.checksum else {
            throw .checksumMismatch(stored: header.checksum, computed: computed)
        }
    }

    /// The bytes behind the header, compressed as they are.
    package var payload: Bytes { bytes[RecordBatchHeader.sizeInBytes..<bytes.count] }

    // MARK: - Patching in place; only before the bytes are handed on

    /// Sets where the batch stands in the log. Both fields are outside the checksum.
    package mutating func place(at baseOffset: Offset, leaderEpoch: LeaderEpoch) {
        bytes.patch(baseOffset.value, at: RecordBatchHeader.Position.baseOffset)
        bytes.patch(leaderEpoch.value, at: RecordBatchHeader.Position.leaderEpoch)
        header.baseOffset = baseOffset
        header.leaderEpoch = leaderEpoch
    }

    /// Stamps the batch with the broker's time and brings the checksum up to date.
    package mutating func stamp(logAppendTime time: Timestamp) {
        header.attributes.bits |= BatchAttributes(timestampType: .logAppendTime).bits
        header.maxTimestamp = time
        bytes.patch(header.attributes.bits, at: RecordBatchHeader.Position.attributes)
        bytes.patch(time.value, at: RecordBatchHeader.Position.maxTimestamp)
        sealAnew()
    }
}

extension RecordBatch {
    /// A batch with the header of another around other records, which stand in `bytes` behind room for the header. Not
    /// sealed yet.
    init(headerOf other: RecordBatch, compression: Compression, into bytes: Bytes) {
        precondition(bytes.count >= RecordBatchHeader.sizeInBytes, "no room for a header")
        var header = other.header
        header.length = Int32(bytes.count - RecordBatchHeader.prefixBytes)
        header.attributes.bits = header.attributes.bits & ~0x07 | Int16(compression.rawValue)
        unsafe other.bytes.withUnsafeBytes { source in
            unsafe bytes.withUnsafeMutableBytes { target in
                unsafe target.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[..<RecordBatchHeader.sizeInBytes]))
            }
        }
        bytes.patch(header.length, at: RecordBatchHeader.Position.length)
        bytes.patch(header.attributes.bits, at: RecordBatchHeader.Position.attributes)
        self.header = header
        self.bytes = bytes
    }

    /// Sets the latest time of the records and brings the checksum up to date.
    mutating func correct(maxTimestamp time: Timestamp) {
        header.maxTimestamp = time
        bytes.patch(time.value, at: RecordBatchHeader.Position.maxTimestamp)
        sealAnew()
    }

    /// Brings the checksum up to date.
    mutating func sealAnew() {
        header.checksum = computedChecksum
        bytes.patch(header.checksum, at: RecordBatchHeader.Position.checksum)
    }
}

/// The batches that stand one behind the other in some bytes.
package struct RecordBatches: Sendable {
    private let bytes: Bytes
    /// Where the next batch starts.
    package private(set) var position = 0

    package init(_ bytes: Bytes) { self.bytes = bytes }

    /// The next batch; nil at the end.
    ///
    /// - Errors: those of `RecordBatch`; `truncated` for a tail that was cut, as fetches may end with one.
    package mutating func next() throws(RecordBatchError) -> RecordBatch? {
        guard position < bytes.count else { return nil }
        let batch = try RecordBatch(bytes, at: position)
        position += batch.sizeInBytes
        return batch
    }
}
