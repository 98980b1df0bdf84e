package import Primitives

extension LeaderReplica {
    /// Whether so few in-sync followers fetched of late that the leader could not make `min.insync.replicas` with them.
    ///
    /// A leader that hears no controller either must take it that another leads by now: it takes no records (self-
    /// fence). One whose partition has a single replica never is, as nobody else can lead it; nor is one that needs
    /// nobody.
    package func isCutOff(now: MonotonicInstant, silenceMilliseconds: Int64) -> Bool {
        guard replicas.count > 1, now.milliseconds(since: began) >= silenceMilliseconds else { return false }
        let heard = followers.count { follower in
            inSync.contains(follower.broker)
                && follower.lastFetchedAt.map { now.milliseconds(since: $0) < silenceMilliseconds } ?? false
        }
        return heard + 1 < effectiveMinInSync
    }
}
