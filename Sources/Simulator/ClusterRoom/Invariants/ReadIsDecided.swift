import Primitives

/// INV-T4: who reads what is committed is given all records of committed transactions and those of none, and nothing of
/// a transaction that was aborted or is not decided, once its broker's list of the aborted ones was applied.
enum ReadIsDecided {
    /// - Parameters:
    ///   - range: what was looked at.
    ///   - offsets: of the records that were left, in order.
    static func violation(
        _ range: Range<Offset>, _ offsets: [Offset], in partition: PartitionTruth, _ known: PartitionTransactions
    ) -> String? {
        let given = Set(offsets)
        for batch in partition.committed.batches(from: range.lowerBound) where batch.base < range.upperBound {
            let isExpected: Bool
            switch batch.meaning {
            case .marker: isExpected = false
            case .states, nil: isExpected = true
            case .part:
                guard let outcome = known.outcomes[batch.base] else {
                    return "INV-T4: \(batch.base) was looked at, and its transaction is not decided"
                }
                isExpected = outcome
            }
            for value in max(batch.base, range.lowerBound).value..<min(batch.end, range.upperBound).value
            where given.contains(Offset(value)) != isExpected {
                return isExpected
                    ? "INV-T4: \(value) is committed, and was left out"
                    : "INV-T4: \(value) was read, and its transaction was aborted"
            }
        }
        return nil
    }
}
