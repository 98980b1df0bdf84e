package import Primitives

/// The two readings of the clock that one step needs.
package struct CoordinatorTime: Hashable, Sendable {
    /// Decides sessions, rebalances and other waits.
    package var now: MonotonicInstant
    /// Stamps records and ages offsets.
    package var timeOfDay: Timestamp

    package init(now: MonotonicInstant, timeOfDay: Timestamp) {
        self.now = now
        self.timeOfDay = timeOfDay
    }
}
