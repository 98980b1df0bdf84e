package import Primitives

/// The time line of one simulation: events, earliest first, ties in the order of their making.
///
/// What is compared and moved as events come and go is plain numbers only; an event stays in its place until it is
/// taken.
package struct EventHeap<Event> {
    private struct Key {
        let at: MonotonicInstant
        let sequence: UInt64
        /// Where the event lies.
        let place: Int

        func isBefore(_ other: Key) -> Bool { at != other.at ? at < other.at : sequence < other.sequence }
    }

    /// A binary heap: each key stands before those at twice its index and one, and two.
    private var keys: [Key] = []
    private var events: [Event?] = []
    private var freePlaces: [Int] = []
    private var nextSequence: UInt64 = 0
    /// The instant of the event that was taken last.
    package private(set) var now = MonotonicInstant(0)

    package init() {}

    /// Puts `event` on the line; an instant that is over counts as now.
    package mutating func schedule(_ event: Event, at instant: MonotonicInstant) {
        let place: Int
        if let free = freePlaces.popLast() {
            place = free
            events[place] = event
        } else {
            place = events.count
            events.append(event)
        }
        keys.append(Key(at: max(instant, now), sequence: nextSequence, place: place))
        nextSequence += 1
        rise(keys.count - 1)
    }

    /// Puts `event` on the line so long after now.
    package mutating func schedule(_ event: Event, afterMicroseconds delay: Int64) {
        schedule(event, at: MonotonicInstant(now.value + delay * 1_000))
    }

    /// Takes the earliest event and moves the time there; nil when none comes before `limit`.
    package mutating func next(before limit: MonotonicInstant) -> Event? { nextNumbered(before: limit)?.event }

    /// The same, with the event's number in the order of their making.
    package mutating func nextNumbered(before limit: MonotonicInstant) -> (event: Event, sequence: UInt64)? {
        guard let first = keys.first, first.at < limit else { return nil }
        now = first.at
        let last = keys.removeLast()
        if !keys.isEmpty { sink(last) }
        freePlaces.append(first.place)
        return events[first.place].take().map { ($0, first.sequence) }
    }

    private mutating func rise(_ from: Int) {
        let key = keys[from]
        var index = from
        while index > 0, key.isBefore(keys[(index - 1) / 2]) {
            keys[index] = keys[(index - 1) / 2]
            index = (index - 1) / 2
        }
        keys[index] = key
    }

    /// Puts a key into the place of the first, and below whatever comes before it.
    private mutating func sink(_ key: Key) {
        var index = 0
        while 2 * index + 1 < keys.count {
            var child = 2 * index + 1
            if child + 1 < keys.count, keys[child + 1].isBefore(keys[child]) { child += 1 }
            guard keys[child].isBefore(key) else { break }
            keys[index] = keys[child]
            index = child
        }
        keys[index] = key
    }
}
