import BrokerServer
import Primitives

/// INV-1: any two replicas agree below the lower of their high watermarks, and with what was ever committed.
struct LogsMatchBelowWatermark: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        let end = partition.committed.end
        for replica in partition.all {
            let number = replica.node
            guard let witness = replica.witness, witness.leading != nil || witness.isFollowing,
                partition.isBound(witness, of: number)
            else { continue }
            guard witness.highWatermark <= witness.logEnd else {
                return
                    "INV-1: \(number) has the high watermark \(witness.highWatermark) beyond its end \(witness.logEnd)"
            }
            let limit = min(witness.highWatermark, end)
            if let reason = partition.verify(replica, below: limit) { return "INV-1: \(number): \(reason)" }
        }
        return nil
    }
}
