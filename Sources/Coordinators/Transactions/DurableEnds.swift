import Primitives

/// The answers to EndTxn of transactions whose decision is durable, until their markers are written, or for a while at
/// most (ADR 18): who is answered then finds the transaction visible, and can begin the next one at once.
struct DurableEnds: Sendable {
    private var waiting: [String: (answer: WaitingReply, until: MonotonicInstant)] = [:]
    /// Not after the first instant at which one has waited long enough; nil while none waits.
    private(set) var nextDeadline: MonotonicInstant?

    /// At most one waits for each id: until it is over nothing else is decided for it.
    mutating func wait(_ id: String, _ answer: WaitingReply, until instant: MonotonicInstant) {
        waiting[id] = (answer, instant)
        nextDeadline = min(nextDeadline ?? instant, instant)
    }

    /// The transaction of an id is over.
    mutating func take(_ id: String) -> WaitingReply? { waiting.removeValue(forKey: id)?.answer }

    /// Those that have waited long enough.
    mutating func takeLate(at now: MonotonicInstant) -> [WaitingReply] {
        guard let deadline = nextDeadline, deadline <= now else { return [] }
        let late = waiting.filter { $0.value.until <= now }.keys.sorted().compactMap { take($0) }
        nextDeadline = waiting.values.map(\.until).min()
        return late
    }

    mutating func takeAll() -> [WaitingReply] {
        defer { self = DurableEnds() }
        return waiting.keys.sorted().compactMap { waiting[$0]?.answer }
    }
}
