package import Primitives

/// What a replica must not forget across a crash: the content of the vote file.
///
/// - Invariant: `epoch` never decreases; in one epoch `votedFor` and `leaderID` change only from nil to a value.
package struct ElectionState: Hashable, Sendable {
    package var epoch: LeaderEpoch
    package var votedFor: ReplicaKey?
    package var leaderID: BrokerID?
    /// A voter that came up with an empty log and learned that the quorum has data: its own may have been lost. It
    /// neither votes nor stands until it has fetched to the high watermark of a leader. Kept in a file of its own,
    /// because Kafka's has no place for it.
    package var mustCatchUp: Bool

    package init(
        epoch: LeaderEpoch = .zero, votedFor: ReplicaKey? = nil, leaderID: BrokerID? = nil, mustCatchUp: Bool = false
    ) {
        self.epoch = epoch
        self.votedFor = votedFor
        self.leaderID = leaderID
        self.mustCatchUp = mustCatchUp
    }
}
