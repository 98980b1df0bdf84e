package import Primitives

/// What DescribeQuorum tells of one replica; times are on the leader's monotonic clock.
package struct DescribedReplica: Hashable, Sendable {
    package let key: ReplicaKey
    /// Nil until it fetched in this epoch.
    package let logEnd: Offset?
    package let lastFetchAt: MonotonicInstant?
    package let lastCaughtUpAt: MonotonicInstant?
}

/// The quorum as its leader sees it.
package struct QuorumDescription: Hashable, Sendable {
    package let leaderID: BrokerID
    package let epoch: LeaderEpoch
    /// Nil until one is established in this epoch.
    package let highWatermark: Offset?
    /// All voters in order of their ids; the leader is one, unless it has just taken its own vote away.
    package let voters: [DescribedReplica]
    package let observers: [DescribedReplica]
}

extension QuorumReplica {
    /// The quorum's state; nil on a replica that does not lead.
    package func describe(now: MonotonicInstant) -> QuorumDescription? {
        guard case .leader(let state) = role else { return nil }
        // As the voters name it: static ones have no directories.
        let key = isVoter ? voters.key(of: me.id) ?? me : me
        let own = DescribedReplica(key: key, logEnd: log.end, lastFetchAt: nil, lastCaughtUpAt: now)
        let mine = isVoter ? [own] : []
        let voters = (mine + state.voters.map(DescribedReplica.init)).sorted { $0.key.id < $1.key.id }
        return QuorumDescription(
            leaderID: me.id, epoch: state.epoch, highWatermark: state.highWatermark, voters: voters,
            observers: (isVoter ? [] : [own]) + state.observers.map(DescribedReplica.init))
    }
}

extension DescribedReplica {
    init(_ progress: ReplicaProgress) {
        self.init(
            key: progress.key, logEnd: progress.end, lastFetchAt: progress.lastFetchAt,
            lastCaughtUpAt: progress.lastCaughtUpAt)
    }
}
