package import Primitives

extension LeaderReplica {
    /// The follower among `nearby` from which a consumer should rather read; nil where that is the leader itself.
    ///
    /// Only an in-sync one of a broker that lives, which has the position in its log (rule 22); of those the one that
    /// is furthest, and was caught up last.
    /// - Source: KIP-392, RackAwareReplicaSelector.
    package func preferredReplica(among nearby: [BrokerID], at offset: Offset) -> BrokerID? {
        var best: FollowerProgress?
        for follower in followers where nearby.contains(follower.broker) && inSync.contains(follower.broker) {
            guard let life = follower.life, !life.isFenced, !life.isShuttingDown,
                let end = follower.endOffset, end >= offset, let start = follower.logStart, start <= offset
            else { continue }
            if best.map({ LeaderReplica.isFurther(follower, than: $0) }) ?? true { best = follower }
        }
        return best?.broker
    }

    private static func isFurther(_ left: FollowerProgress, than right: FollowerProgress) -> Bool {
        if left.endOffset != right.endOffset { return (left.endOffset ?? .zero) > (right.endOffset ?? .zero) }
        guard let leftTime = left.lastCaughtUp, let rightTime = right.lastCaughtUp else {
            return left.lastCaughtUp != nil
        }
        return leftTime > rightTime
    }
}
