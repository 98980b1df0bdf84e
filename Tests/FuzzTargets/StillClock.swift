import Primitives
import World

/// A clock that stands.
struct StillClock: Clock {
    var now: MonotonicInstant { MonotonicInstant(0) }
    var timeOfDay: Timestamp { Timestamp(1_000) }
}
