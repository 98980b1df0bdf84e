package import Primitives

/// What a leader gives to its replicas to be flushed in one go, where a topic flushes on acknowledgement.
///
/// A flush costs hardly more for many batches than for few. Producers that are answered send their next batches at
/// once, so a leader waits for these for a moment before it lets anybody flush what came meanwhile: all that is in
/// flight goes round as one group, in place of several that each wait for the others' flushes.
///
/// The log is *released* up to an end: replicas in sync are given what lies below it, and the leader flushes up to
/// there. What lies behind is held back, and only for as long as
/// - requests wait for the high watermark to reach the released end: who has flushed all of it waits for the others,
/// - or fewer requests have come than were answered: who flushed waits for those that are about to come,
///
/// each of the two for a part of what a flush takes of late at most. Where waiting brings nothing it becomes rare.
///
/// - Invariant: whatever is held back has a deadline, which `step` names.
package struct FlushGroup: Sendable {
    /// The longest that one of the two waits may take.
    package static let lingerMicrosecondsMax: Int64 = 1_000
    /// A wait takes this part of a flush at most.
    static let flushesInLinger: Int64 = 2
    /// The longest that a leader takes its own flush to be under way, and the longest in flushes of late.
    static let busyMicrosecondsMax: Int64 = 10_000
    static let flushesInBusy: Int64 = 2
    /// A group of so many bytes waits for nothing: its flush takes longer than what it would share with others.
    package static let bytesMax = 512 << 10
    /// After waits that brought nothing so many rounds pass without one, at most.
    static let passedRoundsMax = 64

    /// What the log and its requests are like when a group is looked at.
    package struct View: Hashable, Sendable {
        package var logEnd: Offset
        /// What the longest waiting request waits for; nil when none waits.
        package var oldestRequired: Offset?

        package init(logEnd: Offset, oldestRequired: Offset?) {
            self.logEnd = logEnd
            self.oldestRequired = oldestRequired
        }
    }

    /// What a look at the group comes to.
    package enum Step: Hashable, Sendable {
        /// Nothing is held back, and nothing was.
        case nothing
        /// All of the log is released: flush it, and give it to who waits for it.
        case released
        /// Something is held back, until this instant at most: look again by then.
        case held(until: MonotonicInstant)
    }

    /// All below is given to replicas and flushed.
    package private(set) var released: Offset
    private var releasedAt = MonotonicInstant(0)
    /// How many bytes lie behind the released end.
    private var heldBytes = 0
    /// Requests that were answered since the last release, and how many of as many have not come since.
    private var answered = 0
    private var expected = 0
    /// When the newest of them were answered.
    private var answeredAt: MonotonicInstant?
    /// When the first replica had flushed all that is released; nil while none has.
    private var caughtUpAt: MonotonicInstant?
    /// What a flush takes of late; zero before the first.
    private var flushNanoseconds: Int64 = 0
    /// Since when something is held back of the present group; nil where nothing is.
    private var heldSince: MonotonicInstant?
    /// How long the group waited that was released last; nil where it did not.
    package private(set) var waitedNanoseconds: Int64?
    /// Rounds to pass over, and how many after the next wait that brings nothing.
    private var roundsToPass = 0
    private var penalty = 1

    /// - Parameter end: of the log as it is found; nothing of it is held back.
    package init(end: Offset) { released = end }

    /// Begins anew at the end of another log, or of this one; what is known of the disk is kept.
    package mutating func restart(end: Offset) {
        let known = flushNanoseconds
        self = FlushGroup(end: end)
        flushNanoseconds = known
    }

    // MARK: what happens

    /// Requests that wait for replicas were appended, with all that was appended beside them.
    package mutating func appended(requests: Int, bytes: Int) {
        heldBytes += bytes
        expected = max(expected - requests, 0)
    }

    /// The high watermark has answered requests.
    package mutating func acknowledged(requests: Int, now: MonotonicInstant) {
        guard requests > 0 else { return }
        answered += requests
        expected += requests
        answeredAt = now
        if roundsToPass > 0 { roundsToPass -= 1 }
    }

    /// A replica in sync has flushed the log up to `end`.
    package mutating func caughtUp(to end: Offset, now: MonotonicInstant) {
        if end >= released, caughtUpAt == nil { caughtUpAt = now }
    }

    /// The leader's flush took so long.
    package mutating func flushTook(nanoseconds: Int64) {
        let taken = max(nanoseconds, 0)
        flushNanoseconds = flushNanoseconds == 0 ? taken : (7 * flushNanoseconds + taken) / 8
    }

    /// How long one wait may take now.
    package var lingerNanoseconds: Int64 {
        min(flushNanoseconds / FlushGroup.flushesInLinger, FlushGroup.lingerMicrosecondsMax * 1_000)
    }

    // MARK: what follows

    /// Looks whether what lies behind the released end may go.
    package mutating func step(_ view: View, now: MonotonicInstant) -> Step {
        guard view.logEnd > released else { return .nothing }
        guard roundsToPass == 0, heldBytes < FlushGroup.bytesMax else { return release(view, now) }
        guard let end = deadline(view) else {
            if heldSince != nil { penalty = 1 }
            return release(view, now)
        }
        guard now < end else {
            learnFromLateness()
            return release(view, now)
        }
        heldSince = heldSince ?? now
        return .held(until: end)
    }

    /// Until when the present group may wait; nil where there is nothing to wait for.
    private func deadline(_ view: View) -> MonotonicInstant? {
        if let required = view.oldestRequired, required <= released {
            if let caughtUpAt { return MonotonicInstant(caughtUpAt.value + lingerNanoseconds) }
            let busy = min(FlushGroup.flushesInBusy * flushNanoseconds, FlushGroup.busyMicrosecondsMax * 1_000)
            return MonotonicInstant(releasedAt.value + busy)
        }
        guard expected > 0, let answeredAt else { return nil }
        return MonotonicInstant(answeredAt.value + lingerNanoseconds)
    }

    private mutating func release(_ view: View, _ now: MonotonicInstant) -> Step {
        released = view.logEnd
        releasedAt = now
        heldBytes = 0
        answered = 0
        expected = 0
        answeredAt = nil
        caughtUpAt = nil
        waitedNanoseconds = heldSince.map { now.value - $0.value }
        heldSince = nil
        return .released
    }

    /// A wait ran out. Where half of the requests came it was worth it all the same.
    private mutating func learnFromLateness() {
        guard heldSince != nil, 2 * expected >= answered else { return }
        roundsToPass = penalty
        penalty = min(2 * penalty, FlushGroup.passedRoundsMax)
    }
}
