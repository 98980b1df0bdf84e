import BrokerServer
import Primitives

/// The true high watermark: all that any node that leads, or believes to, counts as committed is committed from then
/// on, and was not committed otherwise before (INV-12: whoever presumes leadership shows only what is so everywhere).
struct CommittedByLeaders: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        for replica in partition.all {
            let number = replica.node
            guard let witness = replica.witness, witness.leading != nil,
                partition.isBound(witness, of: number), witness.highWatermark > partition.committed.end
            else { continue }
            if let reason = partition.verify(replica, below: partition.committed.end) {
                return "INV-12: leader \(number): \(reason)"
            }
            guard let disk = CommittedByLeaders.readable(replica, to: witness.highWatermark, in: partition) else {
                continue
            }
            if let reason = partition.committed.extend(from: disk, to: witness.highWatermark) {
                return "INV-12: leader \(number): \(reason)"
            }
            truth.noteCommit()
            if replica.rot == nil { replica.verifiedEnd = partition.committed.end }
        }
        return nil
    }

    /// The leader's disk, or where a byte of it is rotten, another one that has as much.
    private static func readable(
        _ leader: ReplicaTruth, to end: Offset, in partition: PartitionTruth
    ) -> DiskLog? {
        guard leader.rot != nil else { return leader.disk }
        return partition.all.first { $0.rot == nil && ($0.disk.end ?? .zero) >= end }?.disk
    }
}
