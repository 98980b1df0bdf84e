import Primitives
import WireProtocol

/// The control record that ends a transaction.
struct TransactionMarker: Hashable, Sendable {
    let isAbort: Bool
    /// Of the coordinator that wrote it; nil where the record does not tell.
    let coordinatorEpoch: Int32?

    /// Reads the marker in a control batch; nil for one without a record, or with one that no transaction ends with.
    static func read(_ bytes: Bytes) -> TransactionMarker? {
        do {
            var records = try RecordIterator(try RecordBatch(bytes))
            guard let record = try records.next(), let key = record.key, let type = try ControlRecordType(key: key),
                type == .abort || type == .commit
            else { return nil }
            // int16 version, int32 coordinator epoch.
            let value = record.value.flatMap { $0.count >= 6 ? $0.bigEndian(Int32.self, at: 2) : nil }
            return TransactionMarker(isAbort: type == .abort, coordinatorEpoch: value)
        } catch {
            return nil
        }
    }
}
