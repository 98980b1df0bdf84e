import HashTreeCollections

/// The state of one partition of `__transaction_state` at some offset of its log: changed by `replay` alone, on the
/// leader and at a load alike. A copy is cheap.
package struct TransactionImage: Hashable, Sendable {
    private var transactions: TreeDictionary<String, StoredTransaction> = [:]

    package init() {}

    package subscript(_ id: String) -> StoredTransaction? { transactions[id] }

    /// All transactional ids, sorted.
    package var ids: [String] { transactions.keys.sorted() }

    package var count: Int { transactions.count }

    /// Applies a record.
    package mutating func replay(_ record: TransactionRecord) { transactions[record.transactionalID] = record.value }

    /// The ids whose transactions `isWanted`, sorted.
    func ids(where isWanted: (StoredTransaction) -> Bool) -> [String] {
        transactions.filter { isWanted($0.value) }.map(\.key).sorted()
    }
}
