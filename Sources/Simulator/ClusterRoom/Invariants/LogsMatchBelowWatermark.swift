import BrokerServer
import Primitives

/// INV-1: any two replicas agree below the lower of their high watermarks, and with what was ever committed.
struct LogsMatchBelowWatermark: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        for number in partition.numbers {
            guard let witness = partition.replicas[number]?.witness,
                witness.leading != nil || witness.isFollowing, partition.isBound(witness, of: number)
            else { continue }
            guard witness.highWatermark <= witness.logEnd else {
                return
                    "INV-1: \(number) has the high watermark \(witness.highWatermark) beyond its end \(witness.logEnd)"
            }
            let limit = min(witness.highWatermark, partition.committed.end)
            if let reason = partition.verify(number, below: limit) { return "INV-1: \(number): \(reason)" }
        }
        return nil
    }
}
