package import Primitives
import Synchronization

/// When a controller last answered this broker; asked on the data path with each append.
package final class ControllerContact: Sendable {
    private static let never = Int64.max

    private let last = Atomic(ControllerContact.never)
    /// Whether leaders here were found cut off at the last look: clients are sent to nobody then.
    let isCutOff = Atomic(false)
    /// Half a session: after as long a silence a leader must hear its followers, or stop taking records.
    let silenceMilliseconds: Int64

    package init(sessionMilliseconds: Int64 = 3_000) { silenceMilliseconds = sessionMilliseconds / 2 }

    /// A controller answered.
    package func heard(at now: MonotonicInstant) { last.store(now.value, ordering: .relaxed) }

    /// When one last answered; nil before the first time.
    var lastHeard: MonotonicInstant? {
        let value = last.load(ordering: .relaxed)
        return value == ControllerContact.never ? nil : MonotonicInstant(value)
    }

    /// Whether no controller was heard for half a session; false before the first was.
    func isLost(now: MonotonicInstant) -> Bool {
        lastHeard.map { now.milliseconds(since: $0) >= silenceMilliseconds } ?? false
    }
}
