import LogStorage
import Primitives
import WireProtocol

/// Why a produced batch was refused before the append.
struct ProduceRefusal: Error {
    let code: ErrorCode
    let message: String?
    var records: [(index: Int32, message: String?)] = []
}

/// The checks of a produced batch against the topic's settings.
enum ProducedBatch {
    /// The batch, fit to be appended as it is.
    static func check(
        _ records: Bytes?, _ settings: PartitionSettings, now: Timestamp
    ) throws(ProduceRefusal) -> Bytes {
        guard let records, !records.isEmpty else {
            throw ProduceRefusal(code: .invalidRecord, message: "a partition takes exactly one batch at a time")
        }
        let batch: RecordBatch
        do throws(RecordBatchError) {
            batch = try RecordBatch.produced(records)
        } catch {
            throw ProduceRefusal(code: error.errorCode, message: "\(error)")
        }
        guard batch.sizeInBytes <= settings.batchBytesMax else {
            throw ProduceRefusal(
                code: .messageTooLarge,
                message: "the batch has \(batch.sizeInBytes) bytes; max.message.bytes is \(settings.batchBytesMax)")
        }
        guard !batch.header.attributes.isTransactional else {
            throw ProduceRefusal(code: .invalidTxnState, message: "transactions are not built yet")
        }
        if settings.log.timestampType == .createTime { try checkTimestamps(batch.header, settings, now) }
        if settings.log.isCompacted { try checkKeys(batch) }
        return batch.bytes
    }

    private static func checkTimestamps(
        _ header: RecordBatchHeader, _ settings: PartitionSettings, _ now: Timestamp
    ) throws(ProduceRefusal) {
        let latest = header.maxTimestamp.value
        guard latest >= 0 else { return }
        let ahead = latest.subtractingReportingOverflow(now.value)
        let isTooEarly = now.value - max(header.baseTimestamp.value, 0) > settings.timestampBeforeMillisecondsMax
        guard ahead.overflow || ahead.partialValue > settings.timestampAfterMillisecondsMax || isTooEarly else {
            return
        }
        throw ProduceRefusal(
            code: .invalidTimestamp,
            message:
                "a timestamp of the batch (\(header.baseTimestamp) to \(latest)) is out of the range around \(now) "
                + "that message.timestamp.before.max.ms and message.timestamp.after.max.ms allow",
            records: [(0, nil)])
    }

    /// A compacted topic keeps the last record of each key: one without a key could never be kept or dropped.
    private static func checkKeys(_ batch: RecordBatch) throws(ProduceRefusal) {
        var index: Int32 = 0
        do throws(RecordBatchError) {
            var iterator = try RecordIterator(batch)
            while let record = try iterator.next() {
                guard record.key != nil else { throw RecordBatchError.missingKey(index: Int(index)) }
                index += 1
            }
        } catch {
            throw ProduceRefusal(code: error.errorCode, message: "\(error)", records: [(index, "\(error)")])
        }
    }
}
