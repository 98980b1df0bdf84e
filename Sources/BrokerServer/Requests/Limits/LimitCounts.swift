import Synchronization

/// How often each limit was met, since the node started.
package final class LimitCounts: Sendable {
    /// What a limit did.
    package enum Event: Int, CaseIterable, Sendable {
        /// A connection refused, as the node has enough.
        case refusedByTotal
        /// As its address has enough.
        case refusedByAddress
        /// As its listener has enough.
        case refusedByListener
        /// As too many came in a short time.
        case refusedByRate
        /// A connection that had to wait before it was served, as many came in a short time.
        case delayedByRate
        /// An idle client's connection closed for a broker's or a controller's.
        case evicted
        /// Closed as nothing was asked for long.
        case closedIdle
        /// Closed as its client takes no answers.
        case closedStalled
        /// Closed as it held memory for long while there was none left.
        case closedForMemory
        /// A connection from which nothing was read for a while, as there was no memory left.
        case mutedForMemory
    }

    // One row of atomics: a counter costs one instruction and shares no lock.
    private let counts: [Counter] = Event.allCases.map { _ in Counter() }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    package init() {}

    func note(_ event: Event) { counts[event.rawValue].value.add(1, ordering: .relaxed) }

    /// How often it happened.
    package subscript(_ event: Event) -> Int { counts[event.rawValue].value.load(ordering: .relaxed) }
}
