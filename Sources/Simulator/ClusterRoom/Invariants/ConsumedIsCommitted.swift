import Primitives
import WireProtocol

/// INV-4: whatever a consumer is given is committed, with these bytes, for good.
enum ConsumedIsCommitted {
    struct Reason: Error {
        let text: String
    }

    /// Gives the number of records.
    static func judge(_ bytes: Bytes, in partition: PartitionTruth) -> Result<Int, Reason> {
        var batches = RecordBatches(bytes)
        var count = 0
        while let batch = try? batches.next() {
            let header = batch.header
            guard batch.computedChecksum == header.checksum else {
                return .failure(Reason(text: "INV-4: the batch at \(header.baseOffset) has a wrong checksum"))
            }
            guard let found = partition.committed.batch(at: header.baseOffset) else {
                return .failure(Reason(text: "INV-4: \(header.baseOffset) was read and is not committed"))
            }
            guard found.sum == CRC32C.checksum(batch.bytes.span) else {
                return .failure(Reason(text: "INV-4: other bytes than the committed ones at \(header.baseOffset)"))
            }
            count += Int(header.recordCount)
        }
        return .success(count)
    }
}
