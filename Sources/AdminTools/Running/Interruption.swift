import Glibc
import Synchronization

/// The wish of whoever runs the tool that it ends: Ctrl-C or SIGTERM. A second one, a while later, ends it at once.
enum Interruption {
    /// When the first one came, in milliseconds of the monotonic clock; 0 while there was none.
    private static let first = Atomic<Int64>(0)

    /// Signals this close together are one wish: `timeout` sends one to its child and one to the child's group.
    private static let oneWishMilliseconds: Int64 = 500

    /// Whether there was one.
    static var isWanted: Bool { first.load(ordering: .relaxed) > 0 }

    /// Notices them from now on.
    static func watch() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                let now = Interruption.nowMilliseconds
                let known = Interruption.first.compareExchange(expected: 0, desired: now, ordering: .relaxed)
                if !known.exchanged, now - known.original > Interruption.oneWishMilliseconds { _exit(1) }
            }
        }
    }

    /// Safe in a signal handler.
    private static var nowMilliseconds: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return max(Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000, 1)
    }
}
