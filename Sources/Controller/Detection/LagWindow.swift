package import Primitives

/// By how much a loop was held up of late: who could not listen is no judge of who was silent.
package struct LagWindow: Hashable, Sendable {
    /// A hold-up counts for at least as long, and for twice as long at most.
    package static let spellMilliseconds: Int64 = 2_000

    private var spellBegan: MonotonicInstant
    private var recent: Int64 = 0
    private var former: Int64 = 0

    package init(now: MonotonicInstant) { spellBegan = now }

    /// A piece of work ran so many milliseconds later than it was due.
    package mutating func note(lateMilliseconds: Int64, now: MonotonicInstant) {
        turn(now)
        recent = max(recent, lateMilliseconds)
    }

    /// The longest hold-up of late.
    package mutating func milliseconds(now: MonotonicInstant) -> Int64 {
        turn(now)
        return max(recent, former)
    }

    private mutating func turn(_ now: MonotonicInstant) {
        let passed = now.milliseconds(since: spellBegan)
        guard passed >= LagWindow.spellMilliseconds else { return }
        former = passed >= 2 * LagWindow.spellMilliseconds ? 0 : recent
        recent = 0
        spellBegan = now
    }
}
