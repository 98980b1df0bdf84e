package import Primitives

/// The two clocks of a node. Monotonic time decides waits; the time of day only stamps records and ages segments.
package protocol Clock: Sendable {
    /// Now, on the node's monotonic clock.
    var now: MonotonicInstant { get }
    /// Now, by the calendar; may jump.
    var timeOfDay: Timestamp { get }
}

/// Where unpredictable numbers come from: the system in a live node, the seed in a simulated one.
package protocol Randomness: Sendable {
    /// 64 fresh random bits.
    func next() -> UInt64
}
