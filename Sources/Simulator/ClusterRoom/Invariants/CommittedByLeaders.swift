import BrokerServer
import Primitives

/// The true high watermark: all that any node that leads, or believes to, counts as committed is committed from then
/// on, and was not committed otherwise before (INV-12: whoever presumes leadership shows only what is so everywhere).
struct CommittedByLeaders: PartitionInvariant {
    func violation(of partition: inout PartitionTruth, in truth: ClusterTruth) -> String? {
        for number in partition.numbers {
            guard let replica = partition.replicas[number], let witness = replica.witness, witness.leading != nil,
                witness.highWatermark > partition.committed.end
            else { continue }
            if let reason = partition.verify(number, below: partition.committed.end) {
                return "INV-12: leader \(number): \(reason)"
            }
            if let reason = partition.committed.extend(from: replica.disk, to: witness.highWatermark) {
                return "INV-12: leader \(number): \(reason)"
            }
            partition.replicas[number]?.verifiedEnd = partition.committed.end
        }
        return nil
    }
}
