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
        guard !batch.header.attributes.isTransactional else {
            throw RecordRefusal(code: .invalidTxnState, message: "transactions are not built yet")
        }
        return batch
    }
}
