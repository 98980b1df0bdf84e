import Primitives
import Synchronization
import World

/// A loop, with its clock, that a test runs by hand.
final class ManualLoop: Loop, Clock {
    private struct State {
        var now = MonotonicInstant(0)
        var works: [@Sendable () -> Void] = []
        var endOfRound: [@Sendable () -> Void] = []
        var timers: [(at: MonotonicInstant, timer: ManualTimer)] = []
        var isCurrent = false
    }

    private let state = Mutex(State())

    init(place: Int? = 0) { self.place = place }

    var now: MonotonicInstant { state.withLock { $0.now } }
    var timeOfDay: Timestamp { Timestamp(0) }
    let place: Int?
    var isCurrent: Bool { state.withLock { $0.isCurrent } }

    func execute(_ work: @escaping @Sendable () -> Void) { state.withLock { $0.works.append(work) } }

    @discardableResult
    func schedule(afterMilliseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any Timer {
        let timer = ManualTimer(work)
        state.withLock { $0.timers.append(($0.now.advanced(byMilliseconds: delay), timer)) }
        return timer
    }

    @discardableResult
    func schedule(afterMicroseconds delay: Int64, _ work: @escaping @Sendable () -> Void) -> any Timer {
        let timer = ManualTimer(work)
        state.withLock { $0.timers.append((MonotonicInstant($0.now.value + delay * 1_000), timer)) }
        return timer
    }

    func atEndOfRound(_ work: @escaping @Sendable () -> Void) { state.withLock { $0.endOfRound.append(work) } }

    /// Runs one round: `work`, then what waits for its end; then further rounds while there is work.
    func run(_ work: @escaping @Sendable () -> Void = {}) {
        execute(work)
        while let next = nextWork() {
            state.withLock { $0.isCurrent = true }
            next()
            while let last = nextAtEndOfRound() { last() }
            state.withLock { $0.isCurrent = false }
        }
    }

    /// What was given first comes last: loops that give to each other may be overtaken by other threads.
    func reverseWaiting() { state.withLock { $0.works.reverse() } }

    private func nextWork() -> (@Sendable () -> Void)? {
        state.withLock { $0.works.isEmpty ? nil : $0.works.removeFirst() }
    }

    private func nextAtEndOfRound() -> (@Sendable () -> Void)? {
        state.withLock { $0.endOfRound.isEmpty ? nil : $0.endOfRound.removeFirst() }
    }

    /// What runs at present takes so long.
    func stall(milliseconds: Int64) { state.withLock { $0.now = $0.now.advanced(byMilliseconds: milliseconds) } }

    /// Lets time pass, and runs the timers that become due, in order.
    func pass(milliseconds: Int64) {
        let end = now.advanced(byMilliseconds: milliseconds)
        while let (at, timer) = takeTimer(before: end) {
            state.withLock { $0.now = max($0.now, at) }
            run { timer.fire() }
        }
        state.withLock { $0.now = end }
    }

    private func takeTimer(before end: MonotonicInstant) -> (MonotonicInstant, ManualTimer)? {
        state.withLock { state in
            guard let first = state.timers.indices.min(by: { state.timers[$0].at < state.timers[$1].at }),
                state.timers[first].at <= end
            else { return nil }
            return state.timers.remove(at: first)
        }
    }
}

final class ManualTimer: Timer {
    private let work: Mutex<(@Sendable () -> Void)?>
    init(_ work: @escaping @Sendable () -> Void) { self.work = Mutex(work) }
    func fire() { work.withLock { $0 }?() }
    func cancel() { work.withLock { $0 = nil } }
}
