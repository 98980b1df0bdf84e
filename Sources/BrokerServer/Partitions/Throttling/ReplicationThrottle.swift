package import Primitives
import Replication
import Synchronization

/// The bytes a second that this broker sends, or takes, of throttled replicas; from any thread.
package final class ReplicationThrottle: Sendable {
    private struct State {
        var window = RateWindow(.standard)
        var bytesPerSecond = Int64.max
    }

    private let state = Mutex(State())
    /// Whether there is a rate at all: looked at for each fetch of a follower.
    private let isLimited = Atomic(false)

    private let total = Atomic<UInt64>(0)

    /// All bytes of throttled replicas since the start.
    var totalBytes: UInt64 { total.load(ordering: .relaxed) }

    /// Sets the rate, `Int64.max` for none, and over what time it is measured.
    func limit(bytesPerSecond: Int64, over span: RateWindow.Span) {
        state.withLock { state in
            state.bytesPerSecond = bytesPerSecond
            if state.window.span != span { state.window = RateWindow(span) }
        }
        isLimited.store(bytesPerSecond != .max, ordering: .relaxed)
    }

    /// Notes bytes of throttled replicas, also while there is no rate: one that is set holds at once.
    package func record(bytes: Int, now: MonotonicInstant) {
        total.wrappingAdd(UInt64(bytes), ordering: .relaxed)
        state.withLock { $0.window.record(bytes: bytes, now: now) }
    }

    /// Whether nothing more may go for the time being.
    package func isExceeded(now: MonotonicInstant) -> Bool {
        guard isLimited.load(ordering: .relaxed) else { return false }
        return state.withLock { $0.window.exceeds(bytesPerSecond: $0.bytesPerSecond, now: now) }
    }
}

/// The throttles of a broker: what its leaders send, what its followers fetch, and what moves between its directories.
///
/// The first two hold for the replicas that the topics' configurations name, and only while those are not in sync: a
/// throttle never delays an acknowledgement.
package final class ReplicationThrottles: Sendable {
    package let leaders = ReplicationThrottle()
    package let followers = ReplicationThrottle()
    /// What replicas take that move to another directory of this broker.
    package let directories = ReplicationThrottle()

    /// Takes the rates that are in force.
    func configure(_ settings: Settings) {
        let span = RateWindow.Span(
            windows: settings.integer("replication.quota.window.num"),
            windowSeconds: settings.integer("replication.quota.window.size.seconds"))
        leaders.limit(bytesPerSecond: settings.integer("leader.replication.throttled.rate"), over: span)
        followers.limit(bytesPerSecond: settings.integer("follower.replication.throttled.rate"), over: span)
        directories.limit(
            bytesPerSecond: settings.integer("replica.alter.log.dirs.io.max.bytes.per.second"),
            over: RateWindow.Span(
                windows: settings.integer("alter.log.dirs.replication.quota.window.num"),
                windowSeconds: settings.integer("alter.log.dirs.replication.quota.window.size.seconds")))
    }
}
