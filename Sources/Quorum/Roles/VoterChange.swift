import Primitives

/// The one change of the voters that a leader has under way.
struct VoterChange: Hashable, Sendable {
    enum Stage: Hashable, Sendable {
        /// The new voter is asked at its own address what it can do.
        case probing(RequestID)
        /// It did not answer in time, and is asked again then.
        case probeDue(MonotonicInstant)
        /// The new voter still lacks what the leader has.
        case awaitingCatchUp
        /// The record is in the log; it is done when the high watermark has passed it.
        case committing(Offset)
    }

    /// Who waits for the answer; nil when it has been given already.
    var token: RequestToken?
    let answersWhenCommitted: Bool
    /// The voter to add; nil for other changes.
    let added: Voter?
    let deadline: MonotonicInstant
    var stage: Stage

    /// When something is to be done about it without a sign from outside.
    var nextDue: MonotonicInstant {
        if case .probeDue(let at) = stage { min(at, deadline) } else { deadline }
    }
}
