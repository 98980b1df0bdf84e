package import Coordinators

extension TransactionConfiguration {
    /// The coordinator's settings as the node's properties give them.
    package init(_ settings: Settings) {
        self.init()
        timeoutMillisecondsMax = Int32(clamping: settings.integer("transaction.max.timeout.ms"))
        idExpirationMilliseconds = settings.integer("transactional.id.expiration.ms")
        timeoutCheckIntervalMilliseconds = settings.integer(
            "transaction.abort.timed.out.transaction.cleanup.interval.ms")
        expiryCheckIntervalMilliseconds = settings.integer(
            "transaction.remove.expired.transaction.cleanup.interval.ms")
    }
}
