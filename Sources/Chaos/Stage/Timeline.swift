import Glibc
package import Primitives
import Synchronization

/// What happened when: faults, leaders, findings; printed as it happens.
package final class Timeline: Sendable {
    /// One thing that happened.
    package struct Event: Hashable, Sendable {
        package let at: MonotonicInstant
        package let text: String
    }

    /// The most events that are kept; a row that tells more tells nothing.
    private static let eventsMax = 10_000

    private let start: MonotonicInstant
    private let events = Mutex<[Event]>([])
    private let prints: Bool

    package init(start: MonotonicInstant, prints: Bool) {
        self.start = start
        self.prints = prints
    }

    /// Adds what happens at `now`.
    package func note(_ text: String, at now: MonotonicInstant) {
        let event = Event(at: now, text: text)
        let isKept = events.withLock { events in
            guard events.count < Timeline.eventsMax else { return false }
            events.append(event)
            return true
        }
        guard prints, isKept else { return }
        print("  " + line(event))
        // Whoever ends a row that hangs still sees how far it got.
        fflush(nil)
    }

    /// The seconds from the start, as the lines have them.
    package func line(_ event: Event) -> String {
        let milliseconds = event.at.milliseconds(since: start)
        let fraction = String(milliseconds % 1_000)
        return "+\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - fraction.count) + fraction + " s  "
            + event.text
    }

    /// All lines so far.
    package var lines: [String] { events.withLock { $0 }.map(line) }
}
