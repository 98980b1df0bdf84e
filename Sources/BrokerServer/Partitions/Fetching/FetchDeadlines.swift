import Primitives
import World

/// The fetches that wait on one loop, with one timer for all of them: a fetch is answered long before its deadline
/// mostly, and a timer for each would cost more than the fetch.
///
/// `@unchecked Sendable`: touched on its loop only.
final class FetchDeadlines: @unchecked Sendable {
    let loop: any Loop
    private let clock: any Clock
    private var waiting: [FetchJob] = []
    /// When the timer fires; nil when none is set.
    private var alarm: MonotonicInstant?

    init(loop: any Loop, clock: any Clock) {
        self.loop = loop
        self.clock = clock
    }

    func add(_ job: FetchJob) {
        job.place = waiting.count
        waiting.append(job)
        schedule(job.deadline)
    }

    func remove(_ job: FetchJob) {
        guard let place = job.place else { return }
        job.place = nil
        let last = waiting.removeLast()
        guard last !== job else { return }
        waiting[place] = last
        last.place = place
    }

    /// An alarm that comes too early costs one look; none is set while an earlier one is pending.
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
        for job in waiting.filter({ $0.deadline <= now }) { job.expired() }
        if let next = waiting.map(\.deadline).min() { schedule(next) }
    }
}
