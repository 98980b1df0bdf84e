/// Which version of transactions a producer speaks (KIP-890).
enum TransactionDialect: String, Hashable, Sendable, CaseIterable {
    /// Partitions are added by a request of their own, and an epoch lasts for many transactions.
    case one
    /// Partitions are added by writing to them, and each transaction has an epoch of its own.
    case two

    /// The highest version of EndTxn that still means this dialect; nil for any.
    var endVersionMax: Int16? { self == .one ? 4 : nil }

    /// The same of Produce.
    var produceVersionMax: Int16? { self == .one ? 11 : nil }

    /// Later versions of AddPartitionsToTxn are for brokers among each other.
    static let addVersionMax: Int16 = 3
}
