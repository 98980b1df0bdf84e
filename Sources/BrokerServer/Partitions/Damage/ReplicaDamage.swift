import LogStorage
import Primitives
import Replication

/// A replica whose log is damaged, as its state remembers it.
struct ReplicaDamage: Hashable, Sendable {
    let damage: LogDamage
    /// The leader epoch in which it was found; nil where the log could not even be opened. In later ones the replica
    /// does not fetch, so that its leader can't take it for one that is in sync.
    let foundIn: LeaderEpoch?
}

extension PartitionState {
    /// Whether this replica may still fetch for its log: one that is damaged goes on only until the controller knows.
    var mayFetchWhatFollows: Bool { damage.map { $0.foundIn == follower?.leaderEpoch } ?? true }

    /// Remembers the first damage that was found; false where one is known already.
    mutating func remember(_ found: LogDamage) -> Bool {
        guard damage == nil else { return false }
        damage = ReplicaDamage(damage: found, foundIn: isOpen ? assignment.leaderEpoch : nil)
        return true
    }

    /// Gives the damaged log up: nobody waits for it any longer, and it is about to be begun anew.
    mutating func beginRebuild(_ after: inout Aftermath) {
        failAllWaiting(.notLeaderOrFollower, &after)
        if follower != nil { after.following = .stop }
        var last = giveUpLog()
        last?.abandon()
        leader = nil
        follower = nil
        checkpointedHighWatermark = .zero
        damage = nil
    }
}
