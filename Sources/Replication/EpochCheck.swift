package import Primitives

#if MUTANTS
    import Mutants
#endif

/// Who a request comes from, where the rules differ.
package enum Requester: Hashable, Sendable {
    case consumer(readsCommittedOnly: Bool)
    case follower(BrokerID)
}

/// The order in which a request for a partition is refused: its epoch first, then leadership (rule 5).
package enum EpochCheck {
    /// The error for a request that names `requested`, or nil when it may go on.
    ///
    /// - Errors: `FENCED_LEADER_EPOCH` for an older epoch, `UNKNOWN_LEADER_EPOCH` for a newer one,
    ///   `NOT_LEADER_OR_FOLLOWER` when the epoch agrees but another broker leads.
    /// - Source: KIP-320.
    package static func refusal(
        requested: LeaderEpoch?, current: LeaderEpoch, isLeader: Bool
    ) -> ErrorCode? {
        #if MUTANTS
            if Mutant.fetchEpochUnchecked.isOn { return isLeader ? nil : .notLeaderOrFollower }
        #endif
        if let requested {
            if requested < current { return .fencedLeaderEpoch }
            if requested > current { return .unknownLeaderEpoch }
        }
        return isLeader ? nil : .notLeaderOrFollower
    }
}

/// What a follower's position and last epoch are worth against the leader's epoch history.
package enum Divergence {
    /// What a leader makes of a position.
    package enum Verdict: Hashable, Sendable {
        case matches
        /// The logs part at or before this end: the follower must cut there.
        case diverges(EpochEnd)
        /// The leader knows no epoch as old as the follower's last one.
        case outOfRange
    }

    /// The leader's verdict on a position whose last record is of `lastFetched`.
    ///
    /// - Parameter found: the leader's largest epoch that is not above `lastFetched`, with its end; nil if there is
    ///   none.
    /// - Source: KIP-595 (truncation on fetch), KIP-279 (the answer names the epoch it found).
    package static func verdict(fetchOffset: Offset, lastFetched: LeaderEpoch, found: EpochEnd?) -> Verdict {
        guard let found else { return .outOfRange }
        if found.epoch < lastFetched || found.endOffset < fetchOffset { return .diverges(found) }
        return .matches
    }

    /// Where a follower cuts its log, given the leader's answer.
    ///
    /// - Parameter own: the follower's largest epoch that is not above the answered one, with its end; nil if there
    ///   is none.
    /// - Returns: an offset that is not above `logEnd`. Another round follows when the epochs did not meet.
    package static func cut(answer: EpochEnd, own: EpochEnd?, logEnd: Offset) -> Offset {
        #if MUTANTS
            if Mutant.cutByLeaderOnly.isOn { return min(answer.endOffset, logEnd) }
        #endif
        guard let own else { return min(answer.endOffset, logEnd) }
        if own.epoch == answer.epoch { return min(own.endOffset, answer.endOffset, logEnd) }
        return min(own.endOffset, logEnd)
    }
}
