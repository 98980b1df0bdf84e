package import Primitives
package import WireProtocol

/// Batches between records and bytes: what a producer writes and a consumer reads.
package enum BatchCoding {
    /// What the bytes of one Fetch hold.
    package struct Decoded: Hashable, Sendable {
        package let records: [FetchedRecord]
        /// The offset behind all that was looked at, control records and skipped ones too.
        package let end: Offset
        package let lastEpoch: LeaderEpoch?
    }

    /// Memory that the records of one batch may take when they are decompressed.
    private static let decompressedBytesMax = 256 << 20

    /// The bytes of a batch; the same for each attempt, as its stamp stays.
    package static func encode(
        _ batch: OutgoingBatch, compression: Compression, isTransactional: Bool = false
    ) -> Bytes {
        let producer = batch.stamp.map {
            BatchProducer(id: $0.producer.id, epoch: $0.producer.epoch, baseSequence: $0.baseSequence)
        }
        var builder = RecordBatchBuilder(
            compression: compression, producer: producer, isTransactional: isTransactional)
        for record in batch.records {
            builder.append(
                timestamp: record.timestamp, key: record.key.map { Bytes($0) }, value: record.value.map { Bytes($0) },
                headers: record.headers.map { RecordHeader(key: $0.key, value: $0.value.map { Bytes($0) }) })
        }
        return builder.finish()
    }

    /// The records at `start` and behind; a batch that is cut off at the end is left for the next fetch.
    ///
    /// Records of a transaction in `aborted` are skipped from its first offset to its marker.
    package static func decode(
        _ bytes: Bytes, of place: TopicPartition, from start: Offset, skipping aborted: [FetchQuestion.AbortedRange]
    ) throws(RecordBatchError) -> Decoded {
        var records: [FetchedRecord] = []
        var end = start
        var lastEpoch: LeaderEpoch?
        var open = aborted.sorted { $0.firstOffset < $1.firstOffset }[...]
        var skipped: Set<ProducerID> = []
        var batches = RecordBatches(bytes)
        while let batch = try nextWhole(&batches) {
            let header = batch.header
            try batch.verifyChecksum()
            end = max(end, header.nextOffset)
            lastEpoch = header.leaderEpoch.value >= 0 ? header.leaderEpoch : nil
            while let first = open.first, first.firstOffset <= header.lastOffset {
                skipped.insert(first.producer)
                open.removeFirst()
            }
            if header.attributes.isControl {
                if let producer = header.producerID { skipped.remove(producer) }
                continue
            }
            if header.attributes.isTransactional, let producer = header.producerID, skipped.contains(producer) {
                continue
            }
            records += try BatchCoding.records(of: batch, place, from: start)
        }
        return Decoded(records: records, end: end, lastEpoch: lastEpoch)
    }

    private static func nextWhole(_ batches: inout RecordBatches) throws(RecordBatchError) -> RecordBatch? {
        do { return try batches.next() } catch {
            if case .truncated = error { return nil }
            throw error
        }
    }

    private static func records(
        of batch: RecordBatch, _ place: TopicPartition, from start: Offset
    ) throws(RecordBatchError) -> [FetchedRecord] {
        let header = batch.header
        let isAppendTime = header.attributes.timestampType == .logAppendTime
        let epoch = header.leaderEpoch.value >= 0 ? header.leaderEpoch : nil
        var found: [FetchedRecord] = []
        var iterator = try RecordIterator(batch, decompressedMaxBytes: decompressedBytesMax)
        while let record = try iterator.next() {
            guard record.offset >= start else { continue }
            found.append(
                FetchedRecord(
                    place: place, offset: record.offset, leaderEpoch: epoch,
                    timestamp: record.timestamp.value >= 0 ? record.timestamp : nil, isTimestampOfAppend: isAppendTime,
                    key: record.key, value: record.value,
                    headers: record.headers.map { FetchedRecord.Header(key: $0.key, value: $0.value) }))
        }
        return found
    }
}
