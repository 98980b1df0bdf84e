package import Primitives
import Synchronization
import World

/// The clocks of a simulated node: monotonic time is the simulation's, the time of day may jump.
package final class VirtualClock: Clock {
    private let time: VirtualTime
    private let jumpMilliseconds = Mutex<Int64>(0)

    package init(time: VirtualTime) { self.time = time }

    package var now: MonotonicInstant { time.nowWithWaits }

    package var timeOfDay: Timestamp {
        Timestamp(1_800_000_000_000 + now.value / 1_000_000 + jumpMilliseconds.withLock { $0 })
    }

    /// Moves the time of day, and nothing else.
    package func jump(byMilliseconds count: Int64) { jumpMilliseconds.withLock { $0 += count } }
}

/// Random numbers of a simulated node: the seed's.
package final class VirtualRandomness: Randomness {
    private let time: VirtualTime
    package init(time: VirtualTime) { self.time = time }
    package func next() -> UInt64 { time.draw() }
}
