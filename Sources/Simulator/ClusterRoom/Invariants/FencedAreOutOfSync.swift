import Metadata
import Primitives

/// INV-8: no fenced broker is in the ISR.
struct FencedAreOutOfSync: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        let fenced = partition.registration?.isr.first { !truth.image.brokers.isUnfenced($0) }
        return fenced.map { "INV-8: \($0) is fenced and in the ISR" }
    }
}
