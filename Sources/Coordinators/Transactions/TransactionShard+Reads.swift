package import Primitives

/// Which transactions a ListTransactions asks for; an empty set lets all pass.
package struct TransactionFilter: Sendable {
    let states: Set<String>
    let producers: Set<ProducerID>
    /// Negative for any; else open for longer than this.
    let minDurationMilliseconds: Int64
    /// What the whole id has to match; nil for any.
    let pattern: TopicExpression?
    let now: Timestamp

    package init(
        states: Set<String>, producers: Set<ProducerID>, minDurationMilliseconds: Int64, pattern: TopicExpression?,
        now: Timestamp
    ) {
        self.states = states
        self.producers = producers
        self.minDurationMilliseconds = minDurationMilliseconds
        self.pattern = pattern
        self.now = now
    }

    /// Whether an id of any name passes.
    func lets(_ stored: StoredTransaction) -> Bool {
        if !states.isEmpty, !states.contains(stored.state.name) { return false }
        if !producers.isEmpty, !producers.contains(stored.producerID) { return false }
        guard minDurationMilliseconds >= 0 else { return true }
        // Only what is open has a duration; the start of the last transaction is remembered.
        guard !stored.state.isAtRest, let start = stored.startTimestamp, start.value >= 0 else { return false }
        return now.value - start.value > minDurationMilliseconds
    }

    func lets(_ id: String) -> Bool { pattern?.matches(id) ?? true }
}

extension TransactionShard {
    /// An id as DescribeTransactions shows it; nil where there is none.
    package subscript(_ id: String) -> StoredTransaction? {
        committedImage[id].flatMap { $0.state == .dead ? nil : $0 }
    }

    /// What passes a filter, sorted by id.
    package func list(_ filter: TransactionFilter) -> [(id: String, stored: StoredTransaction)] {
        committedImage.ids(where: { $0.state != .dead && filter.lets($0) }).compactMap { id in
            filter.lets(id) ? committedImage[id].map { (id, $0) } : nil
        }
    }
}
