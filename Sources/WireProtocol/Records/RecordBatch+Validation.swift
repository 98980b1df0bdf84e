package import Primitives

/// What a producer's batch must be before it is appended.
extension RecordBatch {
    /// The one batch in a partition's `records` of a Produce request, checked without looking at the records.
    ///
    /// - Parameter bytesMax: the largest batch that is accepted, as it came (`max.message.bytes`).
    /// - Errors: each wrong field has its own; `errorCode` says what the producer is told.
    /// - Source: Kafka 4.3, the checks of ProduceRequest, UnifiedLog and LogValidator.
    package static func produced(_ records: Bytes, bytesMax: Int = .max) throws(RecordBatchError) -> RecordBatch {
        guard !records.isEmpty else { throw .notOneBatch }
        let batch = try RecordBatch(records)
        guard batch.sizeInBytes == records.count else { throw .notOneBatch }
        guard batch.sizeInBytes <= bytesMax else { throw .tooLarge(batch.sizeInBytes, max: bytesMax) }
        try batch.verifyChecksum()
        try batch.header.verifyProduced()
        // What is not compressed can't hold more records than it has bytes for: offsets are not given away for nothing.
        let roomFor = batch.payload.count / RecordBatch.recordBytesMin
        guard batch.header.attributes.compression != .uncompressed || Int(batch.header.recordCount) <= roomFor else {
            throw .invalidCount(count: batch.header.recordCount, lastOffsetDelta: batch.header.lastOffsetDelta)
        }
        return batch
    }

    /// The smallest record: its length, attributes, two deltas, no key, no value, no headers.
    private static let recordBytesMin = 7
}

extension RecordBatchHeader {
    /// The rules for what a client may write.
    package func verifyProduced() throws(RecordBatchError) {
        guard baseOffset == .zero else { throw .invalidBaseOffset(baseOffset) }
        guard !attributes.hasReservedBits, !attributes.hasDeleteHorizon else {
            throw .reservedAttributes(attributes.bits)
        }
        guard attributes.compression != nil else { throw .unknownCompression(attributes.bits) }
        guard !attributes.isControl else { throw .controlBatchFromClient }
        guard attributes.timestampType == .createTime else { throw .logAppendTimeFromClient }
        guard recordCount > 0, lastOffsetDelta >= 0, Int64(lastOffsetDelta) + 1 == Int64(recordCount) else {
            throw .invalidCount(count: recordCount, lastOffsetDelta: lastOffsetDelta)
        }
        try verifyProducer()
    }

    private func verifyProducer() throws(RecordBatchError) {
        guard let producerID else {
            if attributes.isTransactional { throw .transactionalWithoutProducer }
            return
        }
        guard producerID.value >= 0, let producerEpoch, producerEpoch.value >= 0, let baseSequence, baseSequence >= 0
        else { throw .invalidProducer }
    }
}
