import HeapModule
package import Primitives

/// The time line of one simulation: events as plain values, earliest first, ties in the order of their making.
package struct EventHeap<Event> {
    private struct Entry: Comparable {
        let at: MonotonicInstant
        let sequence: UInt64
        let event: Event

        static func < (left: Entry, right: Entry) -> Bool {
            left.at != right.at ? left.at < right.at : left.sequence < right.sequence
        }
        static func == (left: Entry, right: Entry) -> Bool { left.sequence == right.sequence }
    }

    private var entries = Heap<Entry>()
    private var nextSequence: UInt64 = 0
    /// The instant of the event that was taken last.
    package private(set) var now = MonotonicInstant(0)

    package init() {}

    /// Puts `event` on the line; an instant that is over counts as now.
    package mutating func schedule(_ event: Event, at instant: MonotonicInstant) {
        entries.insert(Entry(at: max(instant, now), sequence: nextSequence, event: event))
        nextSequence += 1
    }

    /// Puts `event` on the line so long after now.
    package mutating func schedule(_ event: Event, afterMicroseconds delay: Int64) {
        schedule(event, at: MonotonicInstant(now.value + delay * 1_000))
    }

    /// Takes the earliest event and moves the time there; nil when none comes before `limit`.
    package mutating func next(before limit: MonotonicInstant) -> Event? {
        guard let first = entries.min, first.at < limit else { return nil }
        now = first.at
        return entries.removeMin().event
    }
}
