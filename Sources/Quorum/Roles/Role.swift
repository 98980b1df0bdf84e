package import Primitives

/// What a replica of the metadata log is at present. An observer is only ever unattached or a follower.
package enum Role: Hashable, Sendable {
    /// Knows of no leader in its epoch.
    case unattached(UnattachedState)
    /// Asks whether it would be voted for, without a new epoch (KIP-996).
    case prospective(VoteRound)
    /// Has opened an epoch, voted for itself and asks for votes.
    case candidate(VoteRound)
    case leader(LeaderState)
    case follower(FollowerState)
    /// Led this epoch, and will not again.
    case resigned(ResignedState)

    /// The role's name, as Kafka's log lines have it.
    package var name: String {
        switch self {
        case .unattached: "Unattached"
        case .prospective: "Prospective"
        case .candidate: "Candidate"
        case .leader: "Leader"
        case .follower: "Follower"
        case .resigned: "Resigned"
        }
    }

    /// False while a resigned leader still has voters to tell.
    package var hasHandedOver: Bool {
        if case .resigned(let state) = self { state.notices.allSatisfy { $0.errand == .done } } else { true }
    }

    /// The state of a leader, nil in every other role.
    package var leading: LeaderState? {
        if case .leader(let state) = self { state } else { nil }
    }

    /// The state of a follower, nil in every other role.
    package var following: FollowerState? {
        if case .follower(let state) = self { state } else { nil }
    }
}

/// One request to one peer that is repeated until it is answered.
package enum Errand: Hashable, Sendable {
    case due(at: MonotonicInstant)
    case inFlight(RequestID)
    case done

    var dueAt: MonotonicInstant? {
        if case .due(let at) = self { at } else { nil }
    }
}

/// The waiting of a replica without a leader.
package struct UnattachedState: Hashable, Sendable {
    /// When a voter stands; an observer has none, and one that may not stand puts it off.
    package var electionAt: MonotonicInstant?
    /// The search for a leader by fetching from the voters in turn, of those that can't find one by standing.
    var search: Errand
}

/// A leader's time after leadership: it tells the voters, and waits for another.
package struct ResignedState: Hashable, Sendable {
    /// The successors it proposes, best first.
    let successors: [ReplicaKey]
    /// Voters to be told.
    var notices: [PeerErrand]
    /// When it becomes an ordinary voter without a leader.
    var endsAt: MonotonicInstant
    /// Whether the node is on its way out and must not take part again.
    var isFinal: Bool
}

/// An errand to one voter.
struct PeerErrand: Hashable, Sendable {
    let peer: ReplicaKey
    var errand: Errand
}
