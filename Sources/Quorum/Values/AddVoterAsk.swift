package import Primitives

/// Asks the leader to make a replica a voter (AddRaftVoter, KIP-853).
package struct AddVoterAsk: Hashable, Sendable {
    package var voter: Voter
    /// How long the asker waits.
    package var timeoutMilliseconds: Int64
    /// Whether the answer has to wait until the change is committed.
    package var answersWhenCommitted: Bool

    package init(voter: Voter, timeoutMilliseconds: Int64, answersWhenCommitted: Bool = true) {
        self.voter = voter
        self.timeoutMilliseconds = timeoutMilliseconds
        self.answersWhenCommitted = answersWhenCommitted
    }
}

/// Asks the leader to take a replica's vote (RemoveRaftVoter).
package struct RemoveVoterAsk: Hashable, Sendable {
    package var key: ReplicaKey
    package var timeoutMilliseconds: Int64

    package init(key: ReplicaKey, timeoutMilliseconds: Int64) {
        self.key = key
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

/// A voter tells the leader where it listens and what it can do (UpdateRaftVoter).
package struct UpdateVoterAsk: Hashable, Sendable {
    package var voter: Voter
    /// The epoch whose leader is meant.
    package var epoch: LeaderEpoch

    package init(voter: Voter, epoch: LeaderEpoch) {
        self.voter = voter
        self.epoch = epoch
    }
}

/// Asks the leader to finalize a level of the feature `kraft.version`.
package struct KraftVersionAsk: Hashable, Sendable {
    package var level: Int16
    package var timeoutMilliseconds: Int64

    package init(level: Int16, timeoutMilliseconds: Int64) {
        self.level = level
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}
