package import Primitives

/// The votes, or pre-votes, of one round.
package struct VoteRound: Hashable, Sendable {
    enum Ballot: Hashable, Sendable {
        case open(Errand)
        case granted
        case rejected
    }

    struct Voter: Hashable, Sendable {
        let key: ReplicaKey
        var ballot: Ballot
    }

    /// All voters, in order of their ids; the asker's own vote is granted from the start.
    private(set) var voters: [Voter]
    /// When the round is over, whoever answered.
    package let deadline: MonotonicInstant

    init(voters: VoterSet, me: BrokerID, now: MonotonicInstant, deadline: MonotonicInstant) {
        self.voters = voters.all.map { Voter(key: $0, ballot: $0.id == me ? .granted : .open(.due(at: now))) }
        self.deadline = deadline
    }

    /// The voters that granted, the asker included.
    package var grantedBy: [ReplicaKey] { voters.filter { $0.ballot == .granted }.map(\.key) }

    var majority: Int { voters.count / 2 + 1 }

    var isWon: Bool { grantedBy.count >= majority }

    /// So many rejected that the rest can't make a majority.
    var isLost: Bool { voters.count - voters.count { $0.ballot == .rejected } < majority }

    var nextDue: MonotonicInstant? { voters.compactMap { $0.openErrand?.dueAt }.min() }

    /// The voters to ask now, with the ids of the requests; they count as asked.
    mutating func takeDue(now: MonotonicInstant, drawID: () -> RequestID) -> [(RequestID, ReplicaKey)] {
        var taken: [(RequestID, ReplicaKey)] = []
        for index in voters.indices {
            guard let dueAt = voters[index].openErrand?.dueAt, dueAt <= now else { continue }
            let id = drawID()
            voters[index].ballot = .open(.inFlight(id))
            taken.append((id, voters[index].key))
        }
        return taken
    }

    /// Counts an answer; one that nobody waits for changes nothing.
    mutating func answered(_ id: RequestID, isGranted: Bool) {
        guard let index = indexWaiting(for: id) else { return }
        voters[index].ballot = isGranted ? .granted : .rejected
    }

    /// Asks again at `at` where the request with this id failed.
    mutating func failed(_ id: RequestID, retryAt at: MonotonicInstant) {
        guard let index = indexWaiting(for: id) else { return }
        voters[index].ballot = .open(.due(at: at))
    }

    private func indexWaiting(for id: RequestID) -> Int? {
        voters.firstIndex { $0.ballot == .open(.inFlight(id)) }
    }
}

extension VoteRound.Voter {
    var openErrand: Errand? {
        if case .open(let errand) = ballot { errand } else { nil }
    }
}
