/// What the properties say of transactions.
package struct TransactionConfiguration: Hashable, Sendable {
    /// `transaction.max.timeout.ms`
    package var timeoutMillisecondsMax: Int32 = 900_000
    /// `transactional.id.expiration.ms`
    package var idExpirationMilliseconds: Int64 = 604_800_000
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`
    package var timeoutCheckIntervalMilliseconds: Int64 = 10_000
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`
    package var expiryCheckIntervalMilliseconds: Int64 = 3_600_000
    /// How long a request waits for its records to be committed before its client is told to come again.
    package var commitTimeoutMilliseconds: Int64 = 5_000
    /// How long the answer to an EndTxn whose decision is durable waits for the markers at most (ADR 18).
    package var markersAwaitedMillisecondsMax: Int64 = 100
    /// Pause before the record that ends a transaction is tried again where the log did not take it.
    package var completionRetryMilliseconds: Int64 = 100
    /// Tombstones in one batch.
    package var tombstonesAtOnceMax = 1_000

    package init() {}
}
