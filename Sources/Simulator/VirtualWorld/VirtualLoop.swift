import Synchronization
package import World

/// A loop of a simulated node: its rounds are events of the virtual time. A crashed node's loop runs nothing any more.
package final class VirtualLoop: Loop {
    private struct State {
        var isAlive = true
        var pausedWork: [@Sendable () -> Void] = []
        var isPaused = false
        var isCurrent = false
        var endOfRound: [@Sendable () -> Void] = []
    }

    private let time: VirtualTime
    private let state = Mutex(State())

    package init(time: VirtualTime) { self.time = time }

    package func execute(_ work: @escaping @Sendable () -> Void) {
        time.schedule(afterMicroseconds: 1) { [weak self] in self?.runRound(work) }
    }

    @discardableResult
    package func schedule(afterMilliseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any Timer {
        let timer = VirtualTimer()
        time.schedule(afterMicroseconds: delay * 1000) { [weak self] in
            self?.runRound { if !timer.isCancelled { work() } }
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

    private func runRound(_ work: @escaping @Sendable () -> Void) {
        let runs = state.withLock { state in
            guard state.isAlive else { return false }
            if state.isPaused {
                state.pausedWork.append(work)
                return false
            }
            state.isCurrent = true
            return true
        }
        guard runs else { return }
        work()
        while let next = nextAtEndOfRound() { next() }
        state.withLock { $0.isCurrent = false }
    }

    private func nextAtEndOfRound() -> (@Sendable () -> Void)? {
        state.withLock { $0.endOfRound.isEmpty ? nil : $0.endOfRound.removeFirst() }
    }
}

/// Scheduled work of a virtual loop.
final class VirtualTimer: Timer {
    private let cancelled = Mutex(false)
    var isCancelled: Bool { cancelled.withLock { $0 } }
    func cancel() { cancelled.withLock { $0 = true } }
}

/// The pool of a simulated node: work takes some virtual time, in an order that the seed decides.
package final class VirtualPool: BlockingPool {
    private let time: VirtualTime
    private let isAlive = Mutex(true)
    /// The longest that a piece of work waits for its disk.
    private let latencyMicrosecondsMax: Int64

    package init(time: VirtualTime, latencyMicrosecondsMax: Int64 = 2000) {
        self.time = time
        self.latencyMicrosecondsMax = latencyMicrosecondsMax
    }

    package func run(_ work: @escaping @Sendable () -> Void) {
        time.schedule(afterMicroseconds: time.draw(in: 10...latencyMicrosecondsMax)) { [weak self] in
            guard let self, self.isAlive.withLock({ $0 }) else { return }
            work()
        }
    }

    /// Nothing of this pool runs from now on.
    package func crash() { isAlive.withLock { $0 = false } }
}
