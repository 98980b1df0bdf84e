package import Coordinators
package import Metadata

/// The transaction coordinator of a broker.
package typealias TransactionCoordinatorHost = CoordinatorHost<TransactionShard>

extension FeaturesImage {
    /// The level of `transaction.version` (KIP-890): 1 changes the records of the log, 2 gives each transaction an
    /// epoch of its own.
    package var transactionVersion: Int16 { self["transaction.version"] ?? 0 }
}
