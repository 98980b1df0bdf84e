import BrokerServer
import Metadata
import Primitives

/// INV-11: of the present leader epoch there is one leader, the one that the metadata names; a replica has one role.
struct RolesAreOwn: PartitionInvariant {
    private var leaders: [Claim: Int] = [:]

    private struct Claim: Hashable {
        let partition: TopicPartitionID
        let epoch: LeaderEpoch
    }

    mutating func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        for replica in partition.all {
            guard let witness = replica.witness, let leading = witness.leading else { continue }
            let number = replica.node
            if witness.isFollowing { return "INV-11: \(number) leads and follows" }
            // Who has claimed the epoch is noted: another one's claim will meet that.
            if replica.claimedEpoch == leading.epoch { continue }
            replica.claimedEpoch = leading.epoch
            let claim = Claim(partition: partition.id, epoch: leading.epoch)
            if let former = leaders.updateValue(number, forKey: claim), former != number {
                return "INV-11: \(former) and \(number) lead in epoch \(leading.epoch)"
            }
        }
        return nil
    }
}
