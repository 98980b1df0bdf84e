import BrokerServer
import Metadata
import Primitives

/// The true high watermark: all that any node that leads, or believes to, counts as committed is committed from then
/// on, and was not committed otherwise before (INV-12: whoever presumes leadership shows only what is so everywhere).
struct CommittedByLeaders: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        for replica in partition.all {
            let number = replica.node
            guard let witness = replica.witness, witness.leading != nil || replica.hasJustLed,
                partition.isBound(witness, of: number), witness.highWatermark > partition.committed.end
            else { continue }
            if let reason = partition.verify(replica, below: partition.committed.end) {
                return "INV-12: leader \(number): \(reason)"
            }
            guard let disk = CommittedByLeaders.readable(replica, as: witness, in: partition) else { continue }
            if let reason = partition.committed.extend(from: disk, to: witness.highWatermark) {
                return "INV-12: leader \(number): \(reason)"
            }
            truth.noteCommit()
            if replica.rot == nil { replica.verifiedEnd = partition.committed.end }
        }
        return nil
    }

    /// The leader's disk as it was read before a byte of it became rotten, or, where it was read again since, that of
    /// another one that has what it counts as committed.
    private static func readable(
        _ leader: ReplicaTruth, as witness: ReplicaWitness, in partition: PartitionTruth
    ) -> DiskLog? {
        if leader.rot == nil || partition.committed.isContinued(by: leader.disk, to: witness.highWatermark) {
            return leader.disk
        }
        return partition.all.first { other in
            guard other.rot == nil, (other.disk.end ?? .zero) >= witness.highWatermark else { return false }
            // Whoever is not of this leader's epoch may have other batches there that are nobody's.
            if let its = other.witness { return its.leaderEpoch == witness.leaderEpoch }
            return partition.registration?.isr.contains(BrokerID(Int32(other.node))) == true
        }?.disk
    }
}
