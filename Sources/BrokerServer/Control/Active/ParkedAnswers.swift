import Primitives

/// Answers that wait until the records behind them are committed. They leave in the order in which they were parked.
struct ParkedAnswers {
    /// Called with whether it was committed.
    typealias Answer = @Sendable (_ isCommitted: Bool) -> Void

    private struct Parked {
        let end: Offset
        let answer: Answer
    }

    /// Ascending by `end`.
    private var parked: [Parked] = []

    /// Parks an answer until all below `end` is committed; never before one that was parked earlier.
    mutating func park(until end: Offset, _ answer: @escaping Answer) {
        parked.append(Parked(end: max(end, parked.last?.end ?? end), answer: answer))
    }

    /// Takes the answers that a new committed end releases, oldest first.
    mutating func release(upTo committedEnd: Offset) -> [Answer] {
        let count = parked.prefix { $0.end <= committedEnd }.count
        defer { parked.removeFirst(count) }
        return parked.prefix(count).map(\.answer)
    }

    /// Takes all of them: leadership is lost.
    mutating func takeAll() -> [Answer] {
        defer { parked.removeAll() }
        return parked.map(\.answer)
    }
}
