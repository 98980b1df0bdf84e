import Primitives

/// The one change of the voters that a leader has under way.
struct VoterChange: Hashable, Sendable {
    enum Stage: Hashable, Sendable {
        /// The new voter is asked at its own address what it can do.
        case probing(RequestID)
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
}
