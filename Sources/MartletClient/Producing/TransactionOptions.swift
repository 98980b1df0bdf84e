import ClientCore

/// Who a transactional producer is, and how it writes.
public struct TransactionOptions: Hashable, Sendable {
    /// The name under which its transactions go on: whoever takes it fences the one before.
    public var transactionalID: String
    /// How long the cluster leaves a transaction open before it aborts it.
    public var timeoutMilliseconds: Int32 = 60_000
    /// As of a producer without transactions, with `acks` all and idempotence. One batch of a partition is on its way
    /// at a time, whatever `requestsInFlightMax` allows.
    public var producing = ProducerOptions()

    public init(transactionalID: String) { self.transactionalID = transactionalID }

    /// - Parameter hasOwnEpochs: whether the cluster has finalized version 2 of transactions.
    func settings(hasOwnEpochs: Bool) throws(ClientError) -> TransactionMachine.Settings {
        guard !transactionalID.isEmpty else { throw ClientError(.invalid, "A transactional id must not be empty") }
        guard timeoutMilliseconds > 0 else {
            throw ClientError(.invalid, "A transaction's timeout must be greater than 0, not \(timeoutMilliseconds)")
        }
        guard producing.isIdempotent else {
            throw ClientError(.invalid, "Cannot set a transactional.id without also enabling idempotence.")
        }
        let plain = try producing.settings()
        var settings = TransactionMachine.Settings(transactionalID: transactionalID)
        settings.timeoutMilliseconds = timeoutMilliseconds
        settings.hasOwnEpochs = hasOwnEpochs
        settings.batchBytesMax = plain.batchBytesMax
        settings.requestBytesMax = plain.requestBytesMax
        settings.lingerMilliseconds = plain.lingerMilliseconds
        settings.deliveryMillisecondsMax = plain.deliveryMillisecondsMax
        settings.retriesMax = plain.retriesMax
        settings.retry = plain.retry
        return settings
    }
}
