import Primitives
import World

/// The Produce requests of one loop that wait for replicas, with one timer for all of them: nearly every request is
/// answered long before its time is over, and a timer for each would cost as much as the rest of its way.
///
/// `@unchecked Sendable`: touched on its loop only.
final class ProduceDeadlines: @unchecked Sendable {
    /// Answered requests are looked for when this many are kept, and each time their number has doubled.
    private static let countMin = 256

    let loop: any Loop
    private let clock: any Clock
    private var waiting: [(deadline: MonotonicInstant, request: ProduceInFlight)] = []
    private var countBeforeSweep = ProduceDeadlines.countMin
    /// When the timer fires; nil when none is set.
    private var alarm: MonotonicInstant?

    init(loop: any Loop, clock: any Clock) {
        self.loop = loop
        self.clock = clock
    }

    func add(_ request: ProduceInFlight, deadline: MonotonicInstant) {
        if waiting.count >= countBeforeSweep { sweep() }
        waiting.append((deadline, request))
        schedule(deadline)
    }

    private func sweep() {
        waiting.removeAll { !$0.request.isWaiting }
        countBeforeSweep = max(2 * waiting.count, ProduceDeadlines.countMin)
    }

    /// None is set while an earlier one is pending.
    private func schedule(_ instant: MonotonicInstant) {
        if let alarm, alarm <= instant { return }
        alarm = instant
        let delay = max(instant.milliseconds(since: clock.now) + 1, 1)
        loop.schedule(afterMilliseconds: delay) { [weak self] in self?.fire(instant) }
    }

    private func fire(_ instant: MonotonicInstant) {
        guard alarm == instant else { return }
        alarm = nil
        let now = clock.now
        for entry in waiting where entry.deadline <= now { entry.request.timeOut() }
        sweep()
        if let next = waiting.map(\.deadline).min() { schedule(next) }
    }
}
