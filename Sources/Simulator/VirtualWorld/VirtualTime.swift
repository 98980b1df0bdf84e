package import Primitives
import Synchronization

/// The one time line of a simulation: events in order of their instant, then of their making.
///
/// One thread runs it; the lock is there because the World's protocols are `Sendable`, and is never contended.
package final class VirtualTime: Sendable {
    private struct Event {
        /// The node whose event it is; 0 for the world's.
        let owner: Int
        let work: @Sendable () -> Void
    }

    private struct State {
        var now = MonotonicInstant(0)
        /// How long the present event has waited for a disk: what it gives to others comes so much later.
        var waitedNanoseconds: Int64 = 0
        var events = EventHeap<Event>()
        var generator: SeededGenerator
        var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
        var count = 0
        /// Nothing is put on the line any more.
        var isOver = false

        mutating func note(_ value: UInt64) {
            fingerprint = (fingerprint ^ value) &* 0x0000_0100_0000_01b3
            fingerprint ^= fingerprint >> 29
        }
    }

    private let state: Mutex<State>

    package init(seed: UInt64) { state = Mutex(State(generator: SeededGenerator(seed: seed))) }

    package var now: MonotonicInstant { state.withLock { $0.now } }

    /// The time as the present event sees it: with what it has waited for so far.
    var nowWithWaits: MonotonicInstant {
        state.withLock { MonotonicInstant($0.now.value + $0.waitedNanoseconds) }
    }

    /// The present event waits for a disk.
    func wait(microseconds: Int64) { state.withLock { $0.waitedNanoseconds += microseconds * 1_000 } }

    /// Events that were run so far.
    package var eventCount: Int { state.withLock { $0.count } }

    /// A number over all that was run, drawn and noted: equal runs have equal ones, whatever process they ran in.
    package var fingerprint: UInt64 { state.withLock { $0.fingerprint } }

    /// Makes a fact a part of the fingerprint.
    package func note(_ value: UInt64) { state.withLock { $0.note(value) } }

    /// A number of this run, from its seed.
    package func draw() -> UInt64 {
        state.withLock { state in
            let number = state.generator.next()
            state.note(number)
            return number
        }
    }

    /// A whole number from `range`, from the seed.
    package func draw(in range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(draw() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// Runs `work` once `delay` has passed.
    ///
    /// - Parameter owner: the node whose event it is, for those who look at what an event changed.
    package func schedule(
        afterMicroseconds delay: Int64, for owner: Int = 0, _ work: @escaping @Sendable () -> Void
    ) {
        state.withLock { state in
            guard !state.isOver else { return }
            let at = MonotonicInstant(state.now.value + state.waitedNanoseconds + max(delay, 0) * 1000)
            state.events.schedule(Event(owner: owner, work: work), at: at)
        }
    }

    /// Runs the next event and gives its owner; nil when there is none before `limit`.
    package func runNextOwned(before limit: MonotonicInstant) -> Int? {
        let event: Event? = state.withLock { state in
            guard let (event, sequence) = state.events.nextNumbered(before: limit) else { return nil }
            state.now = state.events.now
            state.waitedNanoseconds = 0
            state.count += 1
            state.note(UInt64(bitPattern: state.now.value) &+ sequence << 8 &+ UInt64(event.owner))
            return event
        }
        guard let event else { return nil }
        event.work()
        return event.owner
    }

    /// Runs the next event; false when there is none before `limit`.
    package func runNext(before limit: MonotonicInstant) -> Bool { runNextOwned(before: limit) != nil }

    /// Moves the time to `instant` where no event is left before it.
    package func pass(to instant: MonotonicInstant) { state.withLock { $0.now = max($0.now, instant) } }

    /// Runs all events of the next `duration`; returns how many.
    @discardableResult
    package func run(forMilliseconds duration: Int64) -> Int {
        let limit = now.advanced(byMilliseconds: duration)
        var count = 0
        while runNext(before: limit) { count += 1 }
        pass(to: limit)
        return count
    }

    /// Forgets all that is still to come: the simulation is over, and what it holds may go.
    package func clear() {
        // What an event holds may want to schedule something when it goes: not under the lock.
        let forgotten = state.withLock { state in
            state.isOver = true
            defer { state.events = EventHeap() }
            return state.events
        }
        withExtendedLifetime(forgotten) {}
    }
}
