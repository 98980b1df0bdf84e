import Primitives
import WireProtocol

/// The checks of a produced batch's header against the topic's settings; its records are `RecordChecker`'s.
enum ProducedBatch {
    static func opened(
        _ records: Bytes?, _ settings: PartitionSettings
    ) throws(RecordRefusal) -> RecordBatch {
        let batch: RecordBatch
        do throws(RecordBatchError) {
            batch = try RecordBatch.produced(records ?? .empty, bytesMax: settings.batchBytesMax)
        } catch {
            throw RecordRefusal(error)
        }
        let attributes = batch.header.attributes
        guard !attributes.isTransactional || batch.header.producerID != nil else {
            throw RecordRefusal(code: .invalidRecord, message: "a batch of a transaction without a producer id")
        }
        return batch
    }
}
