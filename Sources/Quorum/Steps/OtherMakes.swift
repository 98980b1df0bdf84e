package import Primitives

/// Patience with replicas of another make: Kafka's own defaults hold toward them, so that a pause that its nodes take
/// for nothing costs no election. The timers decide only how soon something happens, never whether it is safe.
extension QuorumReplica {
    /// Whether a voter is known to be of another make.
    package func isOther(_ id: BrokerID) -> Bool { others.contains(id) }

    /// Only voters are kept: nothing that somebody else calls itself can make the set grow.
    mutating func noteMake(of id: BrokerID, isMartlet: Bool, now: MonotonicInstant) {
        others = others.filter { voters.contains(id: $0) }
        guard !isMartlet else {
            others.remove(id)
            return
        }
        guard voters.contains(id: id) else { return }
        others.insert(id)
        guard case .follower(var state) = role, state.leaderID == id else { return }
        state.fetchDeadline = max(
            state.fetchDeadline, now.advanced(byMilliseconds: fetchTimeoutMilliseconds(under: id)))
        role = .follower(state)
    }

    /// How long this replica waits for an answer of its leader.
    func fetchTimeoutMilliseconds(under leader: BrokerID) -> Int64 {
        patience(isOther: isOther(leader))
    }

    /// How long a leader waits for a majority to fetch: as the most patient of its voters.
    var checkQuorumMilliseconds: Int64 { patience(isOther: voters.all.contains { isOther($0.id) }) }

    private func patience(isOther: Bool) -> Int64 {
        let timeout = isOther ? settings.fetchTimeoutMillisecondsOfOthers : settings.fetchTimeoutMilliseconds
        return timeout + stalls.allowanceMilliseconds
    }
}
