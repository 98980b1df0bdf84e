import HeapModule
package import Primitives
import Synchronization

/// The one time line of a simulation: events in order of their instant, then of their making.
///
/// One thread runs it; the lock is there because the World's protocols are `Sendable`, and is never contended.
package final class VirtualTime: Sendable {
    private struct Event: Comparable {
        let at: MonotonicInstant
        let sequence: UInt64
        let work: @Sendable () -> Void

        static func < (left: Event, right: Event) -> Bool { (left.at, left.sequence) < (right.at, right.sequence) }
        static func == (left: Event, right: Event) -> Bool { left.sequence == right.sequence }
    }

    private struct State {
        var now = MonotonicInstant(0)
        var nextSequence: UInt64 = 0
        var events = Heap<Event>()
        var generator: SeededGenerator
    }

    private let state: Mutex<State>

    package init(seed: UInt64) { state = Mutex(State(generator: SeededGenerator(seed: seed))) }

    package var now: MonotonicInstant { state.withLock { $0.now } }

    /// A number of this run, from its seed.
    package func draw() -> UInt64 { state.withLock { $0.generator.next() } }

    /// A whole number from `range`, from the seed.
    package func draw(in range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(draw() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// Runs `work` once `delay` has passed.
    package func schedule(afterMicroseconds delay: Int64, _ work: @escaping @Sendable () -> Void) {
        state.withLock { state in
            let at = MonotonicInstant(state.now.value + max(delay, 0) * 1000)
            state.events.insert(Event(at: at, sequence: state.nextSequence, work: work))
            state.nextSequence += 1
        }
    }

    /// Runs the next event; false when there is none before `limit`.
    package func runNext(before limit: MonotonicInstant) -> Bool {
        let event: Event? = state.withLock { state in
            guard let first = state.events.min, first.at < limit else { return nil }
            state.now = first.at
            return state.events.removeMin()
        }
        guard let event else { return false }
        event.work()
        return true
    }

    /// Runs all events of the next `duration`; returns how many.
    @discardableResult
    package func run(forMilliseconds duration: Int64) -> Int {
        let limit = now.advanced(byMilliseconds: duration)
        var count = 0
        while runNext(before: limit) { count += 1 }
        state.withLock { $0.now = limit }
        return count
    }
}
