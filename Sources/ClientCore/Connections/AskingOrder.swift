package import World

/// Whom a client asks what any broker can answer, and in which order.
package struct AskingOrder: Sendable {
    /// The endpoint that answered last, or that has its turn; to be asked first.
    private var preferred: Endpoint?
    /// The endpoint that had its turn last because another one knew of no leaders.
    private var turn: Endpoint?

    package init() {}

    /// A broker answered.
    package mutating func answered(_ endpoint: Endpoint) { preferred = endpoint }

    /// All endpoints in the order in which they are asked: the preferred one first, and those whose connection has
    /// ended, by silence for one, only after all others.
    package func order(of endpoints: [Endpoint], hasEnded: (Endpoint) -> Bool) -> [Endpoint] {
        var ordered: [Endpoint] = preferred.map { [$0] } ?? []
        for endpoint in endpoints where !ordered.contains(endpoint) { ordered.append(endpoint) }
        return ordered.filter { !hasEnded($0) } + ordered.filter(hasEnded)
    }

    /// The broker that answered last knows of no leaders: it may be cut off from the others, and would say so for as
    /// long as it is asked.
    ///
    /// All have their turn, also those whose connection ended: where all but one failed to answer once, that one would
    /// be asked for ever.
    ///
    /// - Returns: who is preferred now, whose ended connection is to be forgotten; nil where there is no other.
    package mutating func goOn(among endpoints: [Endpoint]) -> Endpoint? {
        guard !endpoints.isEmpty else { return nil }
        let place = (turn ?? preferred).flatMap(endpoints.firstIndex(of:)) ?? endpoints.count - 1
        let following = (1...endpoints.count).lazy.map { endpoints[(place + $0) % endpoints.count] }
        guard let next = following.first(where: { $0 != preferred }) else { return nil }
        turn = next
        preferred = next
        return next
    }
}
