import Primitives
import Synchronization
package import World

/// A loop of a simulated node: its rounds are events of the virtual time. A crashed node's loop runs nothing any more.
///
/// Its events hold it: a weak reference for each of them would cost more than most of them do. `VirtualTime.clear` lets
/// go of what is left.
package final class VirtualLoop: Loop {
    private struct State {
        var isAlive = true
        var pausedWork: [@Sendable () -> Void] = []
        var isPaused = false
        var isCurrent = false
        /// When the last round has ended: one that waits for a disk takes long.
        var busyUntil = MonotonicInstant(0)
        var endOfRound: [@Sendable () -> Void] = []
    }

    private let time: VirtualTime
    private let owner: Int
    package let place: Int?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - owner: the node whose loop it is.
    ///   - place: among the data loops of its node; nil where it is none.
    package init(time: VirtualTime, owner: Int = 0, place: Int? = nil) {
        self.time = time
        self.owner = owner
        self.place = place
    }

    package func execute(_ work: @escaping @Sendable () -> Void) {
        time.schedule(afterMicroseconds: 1, for: owner) { [self] in runRound(work) }
    }

    @discardableResult
    package func schedule(afterMilliseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any Timer {
        schedule(afterMicroseconds: delay * 1000, work)
    }

    @discardableResult
    package func schedule(afterMicroseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any Timer {
        let timer = VirtualTimer(work)
        time.schedule(afterMicroseconds: delay, for: owner) { [self] in
            guard !timer.isCancelled else { return }
            runRound { timer.fire() }
        }
        return timer
    }

    package func atEndOfRound(_ work: @escaping @Sendable () -> Void) {
        state.withLock { state in
            precondition(state.isCurrent, "atEndOfRound is called on the loop itself")
            state.endOfRound.append(work)
        }
    }

    package var isCurrent: Bool { state.withLock { $0.isCurrent } }

    /// Nothing of this loop runs from now on: the process is dead.
    package func crash() {
        state.withLock { state in
            state.isAlive = false
            state.pausedWork = []
            state.endOfRound = []
        }
    }

    /// Keeps what would run until `resume`, as a stopped process does.
    package func pause() { state.withLock { $0.isPaused = true } }

    /// Runs what was kept, then goes on.
    package func resume() {
        let waiting = state.withLock { state in
            state.isPaused = false
            defer { state.pausedWork = [] }
            return state.pausedWork
        }
        for work in waiting { execute(work) }
    }

    /// Runs a round now, within an event of the virtual time; a paused loop keeps it, a crashed one drops it.
    func runRound(_ work: @escaping @Sendable () -> Void) {
        let now = time.now
        let runs = state.withLock { state in
            guard state.isAlive else { return false }
            if state.isPaused {
                state.pausedWork.append(work)
                return false
            }
            guard state.busyUntil <= now else { return false }
            state.isCurrent = true
            return true
        }
        guard runs else { return goOnLater(work, now) }
        work()
        while let next = nextAtEndOfRound() { next() }
        let end = time.nowWithWaits
        state.withLock { state in
            state.isCurrent = false
            state.busyUntil = end
        }
    }

    /// What comes while a round waits for a disk has to wait, too.
    private func goOnLater(_ work: @escaping @Sendable () -> Void, _ now: MonotonicInstant) {
        let busyUntil = state.withLock { $0.isAlive && !$0.isPaused ? $0.busyUntil : now }
        guard busyUntil > now else { return }
        time.schedule(afterMicroseconds: (busyUntil.value - now.value + 999) / 1_000, for: owner) { [weak self] in
            self?.runRound(work)
        }
    }

    private func nextAtEndOfRound() -> (@Sendable () -> Void)? {
        state.withLock { $0.endOfRound.isEmpty ? nil : $0.endOfRound.removeFirst() }
    }
}

/// Scheduled work of a virtual loop. Calling it off lets go of what the work holds.
final class VirtualTimer: Timer {
    private struct Work: Sendable {
        let run: @Sendable () -> Void
    }

    private let work: Mutex<Work?>
    init(_ work: @escaping @Sendable () -> Void) { self.work = Mutex(Work(run: work)) }
    var isCancelled: Bool { work.withLock { $0 == nil } }
    func cancel() { work.withLock { $0 = nil } }
    func fire() { work.withLock { $0.take() }?.run() }
}

/// The pool of a simulated node: work takes some virtual time, in an order that the seed decides.
package final class VirtualPool: BlockingPool {
    private struct State {
        var isAlive = true
        var isPaused = false
        var pausedWork: [@Sendable () -> Void] = []
        /// The longest that a piece of work waits for its disk.
        var latencyMicrosecondsMax: Int64
    }

    private let time: VirtualTime
    private let owner: Int
    private let state: Mutex<State>

    package init(time: VirtualTime, owner: Int = 0, latencyMicrosecondsMax: Int64 = 2000) {
        self.time = time
        self.owner = owner
        state = Mutex(State(latencyMicrosecondsMax: latencyMicrosecondsMax))
    }

    package func run(_ work: @escaping @Sendable () -> Void) {
        let longest = state.withLock { $0.latencyMicrosecondsMax }
        time.schedule(afterMicroseconds: time.draw(in: 10...longest), for: owner) { [self] in runNow(work) }
    }

    private func runNow(_ work: @escaping @Sendable () -> Void) {
        let runs = state.withLock { state in
            if state.isPaused, state.isAlive { state.pausedWork.append(work) }
            return state.isAlive && !state.isPaused
        }
        if runs { work() }
    }

    /// From now on a piece of work waits up to so long: the disk is slow, or fast again.
    package func slow(toMicroseconds latency: Int64) { state.withLock { $0.latencyMicrosecondsMax = latency } }

    /// Keeps what would run until `resume`.
    package func pause() { state.withLock { $0.isPaused = true } }

    /// Runs what was kept, then goes on.
    package func resume() {
        let waiting = state.withLock { state in
            state.isPaused = false
            defer { state.pausedWork = [] }
            return state.pausedWork
        }
        for work in waiting { run(work) }
    }

    /// Nothing of this pool runs from now on.
    package func crash() {
        state.withLock { state in
            state.isAlive = false
            state.pausedWork = []
        }
    }
}
