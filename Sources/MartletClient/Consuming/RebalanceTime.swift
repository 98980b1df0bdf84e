import Primitives

/// How long a group has left its member without partitions.
struct RebalanceTime {
    private var since: MonotonicInstant?
    private var beforeMilliseconds: Int64 = 0

    /// There are no partitions from now on; nothing new where that is so already.
    mutating func begin(now: MonotonicInstant) { since = since ?? now }

    mutating func end(now: MonotonicInstant) {
        beforeMilliseconds = milliseconds(now: now)
        since = nil
    }

    /// All such times together.
    func milliseconds(now: MonotonicInstant) -> Int64 {
        beforeMilliseconds + (since.map { now.milliseconds(since: $0) } ?? 0)
    }
}
