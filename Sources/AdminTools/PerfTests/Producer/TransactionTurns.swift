/// When the transactions of `producer-perf-test` begin and end: each with a message, once its time is over.
///
/// Times are milliseconds on any clock that does not jump.
package struct TransactionTurns: Sendable {
    private let durationMilliseconds: Int64
    private var begunAt: Int64?

    package init(durationMilliseconds: Int64) { self.durationMilliseconds = durationMilliseconds }

    /// Whether a transaction is open, and is to be committed at the end.
    package var isOpen: Bool { begunAt != nil }

    /// Whether a transaction is to be begun before the next message.
    package mutating func begins(now: Int64) -> Bool {
        if begunAt != nil { return false }
        begunAt = now
        return true
    }

    /// Whether the transaction is to be committed after a message that was sent at `now`.
    package mutating func ends(now: Int64) -> Bool {
        guard let start = begunAt, now - start >= durationMilliseconds else { return false }
        begunAt = nil
        return true
    }
}
