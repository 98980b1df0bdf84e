import Glibc
package import Primitives
import World

/// The clocks of the machine.
package struct SystemClock: Clock {
    package init() {}

    package var now: MonotonicInstant { MonotonicInstant(SystemClock.nanoseconds(CLOCK_MONOTONIC)) }
    package var timeOfDay: Timestamp { Timestamp(SystemClock.nanoseconds(CLOCK_REALTIME) / 1_000_000) }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
