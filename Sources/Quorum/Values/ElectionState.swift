package import Primitives

/// How far a voter's own log and votes can be believed (design, section 7: the blank voter).
package enum VoterStanding: String, Hashable, Sendable, CaseIterable {
    /// Its log is empty and it never voted: it may be new, or its disk may have been lost. It votes only for a
    /// candidate whose log is empty too.
    case unproven
    /// Its log is empty, and it voted when nobody was known to have entries: from then on it forgot nothing.
    case founding
    /// It was founding, and then learned that others have entries. It votes only for a candidate that has some, and
    /// does not stand.
    case expecting
    /// Its log was empty when it learned that the quorum has entries: it may have lost its own, and forgotten its
    /// votes. It neither votes nor stands until it has fetched to the high watermark of a leader.
    case catchingUp
    /// It has entries, and forgot neither those nor its votes.
    case proven
}

/// What a replica must not forget across a crash: the content of the vote file.
///
/// - Invariant: `epoch` never decreases; in one epoch `votedFor` and `leaderID` change only from nil to a value.
package struct ElectionState: Hashable, Sendable {
    package var epoch: LeaderEpoch
    package var votedFor: ReplicaKey?
    package var leaderID: BrokerID?
    /// Kept in a file of its own, because Kafka's has no place for it.
    package var standing: VoterStanding

    package init(
        epoch: LeaderEpoch = .zero, votedFor: ReplicaKey? = nil, leaderID: BrokerID? = nil,
        standing: VoterStanding
    ) {
        self.epoch = epoch
        self.votedFor = votedFor
        self.leaderID = leaderID
        self.standing = standing
    }
}
