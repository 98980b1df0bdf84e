import Primitives

/// What a run has of transactions.
package struct TransactionPlan: Hashable, Sendable {
    /// How many transactional ids there are.
    package var transactorCount = 1
    /// How many of them, the first, are of producers without own epochs (`transaction.version` below 2).
    package var oldCount = 0
    /// Whether those take a new epoch after doubt. Kafka's do not, and their transactions tear (KAFKA-17754).
    package var oldTakeEpochInDoubt = true
    /// How many, the last, read what they process, and commit how far they got in the same transactions.
    package var processorCount = 0
    package var timeoutMilliseconds: Int64 = 5_000
    /// Partitions of `__transaction_state`.
    package var logPartitionCount = 1
    /// One of so many requests is held, and delivered when its producer has given it up; nil for none.
    package var heldOneIn: UInt64?
    /// For how long.
    package var heldMillisecondsMax: Int64 = 10_000
    /// A producer gives such an attempt up after so long.
    package var patienceMillisecondsMax: Int64 = 2_000
    /// One of so many transactions is left alone for longer than its timeout; nil for none.
    package var leftOneIn: UInt64? = 16
    /// How often a producer stands still and another one of its id begins; nil for never.
    package var replacedEachMilliseconds: Int64?
    /// The mean time between two records of a transaction.
    package var stepMilliseconds: Int64 = 20

    package init() {}

    /// Every third run has transactions. Drawn from a generator of its own.
    init?(aside generator: SeededGenerator) {
        var former = generator
        var own = SeededGenerator(seed: former.next() ^ 0x7472_616e_7361_6374)
        func one<Value>(of values: [Value]) -> Value { values[Int(own.next() % UInt64(values.count))] }
        guard own.chance(1, in: 3) else { return nil }
        transactorCount = one(of: [1, 1, 2, 3])
        oldCount = own.chance(1, in: 4) ? 1 : 0
        processorCount = own.chance(1, in: 2) ? 1 : 0
        timeoutMilliseconds = one(of: [1_500, 5_000, 10_000])
        logPartitionCount = one(of: [1, 2])
        heldOneIn = one(of: [nil, 4, 12])
        heldMillisecondsMax = one(of: [2_000, 10_000])
        leftOneIn = one(of: [nil, 8, 24])
        replacedEachMilliseconds = one(of: [nil, 1_500, 5_000])
        stepMilliseconds = one(of: [5, 20, 60])
    }

    /// What the brokers are told.
    var properties: String {
        """
        transaction.state.log.num.partitions=\(logPartitionCount)
        transaction.state.log.replication.factor=3
        transaction.state.log.min.isr=2
        transaction.abort.timed.out.transaction.cleanup.interval.ms=500
        """
    }
}

extension TransactionPlan: CustomStringConvertible {
    package var description: String {
        let held = heldOneIn.map { "one in \($0) for up to \(heldMillisecondsMax) ms" } ?? "none"
        let left = leftOneIn.map { "one in \($0)" } ?? "none"
        let replaced = replacedEachMilliseconds.map { "each \($0) ms" } ?? "never"
        return "\(transactorCount) transactional ids (\(oldCount) old, \(processorCount) process), timeout "
            + "\(timeoutMilliseconds) ms, held \(held), left \(left), replaced \(replaced), a record each "
            + "\(stepMilliseconds) ms"
    }
}
