package import Primitives
import WireMessages
package import WireProtocol

/// One record of `__transaction_state`; without a value it is a tombstone.
///
/// - Source: Kafka's `TransactionLogKey` (version 0) and `TransactionLogValue`; the version stands before each as an
///   int16.
package struct TransactionRecord: ShardRecord {
    package let transactionalID: String
    package let value: StoredTransaction?

    package init(_ transactionalID: String, _ value: StoredTransaction?) {
        self.transactionalID = transactionalID
        self.value = value
    }

    package var keyBytes: Bytes {
        var key = TransactionLogKey()
        key.transactionalID = transactionalID
        return GroupRecord.versioned(key, 0)
    }

    /// - Parameter level: of `transaction.version`: below 1 the value has Kafka's older version.
    package func valueBytes(level: Int16) -> Bytes? {
        guard var stored = value else { return nil }
        if level >= 1 { return GroupRecord.versioned(stored.recordValue, 1) }
        // Without version 2 none of these is ever needed.
        stored.previousProducerID = nil
        stored.nextProducerID = nil
        stored.clientVersion = 0
        return GroupRecord.versioned(stored.recordValue, 0)
    }

    package static func decode(key: Bytes, value: Bytes?) throws(TransactionRecordError) -> TransactionRecord? {
        guard key.count >= 2 else { throw .malformed(.truncated(needed: 2, remaining: key.count)) }
        guard key.bigEndian(Int16.self, at: 0) == 0 else { return nil }
        let id: String
        let decoded: TransactionLogValue?
        do throws(WireError) {
            id = try TransactionLogKey.decode(key[2..<key.count], version: 0).transactionalID
            decoded = try value.map { bytes throws(WireError) in
                try GroupRecord.decodeVersioned(TransactionLogValue.self, bytes)
            }
        } catch {
            throw .malformed(error)
        }
        guard let decoded else { return TransactionRecord(id, nil) }
        return TransactionRecord(id, try StoredTransaction(decoded))
    }
}

/// A record of `__transaction_state` that can't be read.
package enum TransactionRecordError: Error, Hashable, Sendable {
    case malformed(WireError)
    /// A state that no version of Kafka knows.
    case unknownState(Int8)
}
