import HashTreeCollections
package import Primitives

/// The state of one partition of `__transaction_state` at some offset of its log: changed by `replay` alone, on the
/// leader and at a load alike. A copy is cheap.
package struct TransactionImage: ShardImage, Hashable {
    private var transactions: TreeDictionary<String, StoredTransaction> = [:]

    package init() {}

    package subscript(_ id: String) -> StoredTransaction? { transactions[id] }

    /// All transactional ids, sorted.
    package var ids: [String] { transactions.keys.sorted() }

    package var count: Int { transactions.count }

    package mutating func replay(_ record: TransactionRecord, by producer: ProducerID? = nil) {
        transactions[record.transactionalID] = record.value
    }

    /// Nothing is written to this log in a transaction.
    package mutating func replayEnd(of producer: ProducerID, isCommit: Bool) {}

    /// The ids whose transactions `isWanted`, sorted.
    func ids(where isWanted: (StoredTransaction) -> Bool) -> [String] {
        transactions.filter { isWanted($0.value) }.map(\.key).sorted()
    }
}
