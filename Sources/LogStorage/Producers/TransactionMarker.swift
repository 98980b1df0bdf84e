import Primitives
import WireProtocol

/// The control record that ends a transaction, as far as producer state needs it.
enum TransactionMarker {
    /// The epoch of the coordinator that wrote the marker; nil where the batch holds no ABORT or COMMIT marker.
    static func coordinatorEpoch(in bytes: Bytes) -> Int32? {
        do {
            var records = try RecordIterator(try RecordBatch(bytes))
            guard let record = try records.next(), let key = record.key,
                let type = try ControlRecordType(key: key), type == .abort || type == .commit,
                let value = record.value, value.count >= 6
            else { return nil }
            // int16 version, int32 coordinator epoch.
            return value.bigEndian(Int32.self, at: 2)
        } catch {
            return nil
        }
    }

    /// What the control batch says; nil for one without a record, or with one that no transaction ends with.
    static func type(of bytes: Bytes) -> ControlRecordType? {
        do {
            var records = try RecordIterator(try RecordBatch(bytes))
            guard let key = try records.next()?.key, let type = try ControlRecordType(key: key) else { return nil }
            return type == .abort || type == .commit ? type : nil
        } catch {
            return nil
        }
    }
}
