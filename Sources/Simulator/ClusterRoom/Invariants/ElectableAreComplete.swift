import BrokerServer
import Metadata
import Primitives

/// INV-3: everyone who may be elected, in ISR or ELR, has all that is committed, if it runs.
struct ElectableAreComplete: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        guard let registration = partition.registration else { return nil }
        for id in registration.isr + registration.eligibleLeaderReplicas where truth.isRunning(id) {
            let number = Int(id.value)
            guard let witness = partition.replicas[number]?.witness else { continue }
            let end = partition.committed.end
            if witness.logEnd < end {
                return "INV-3: \(id) may be elected and ends at \(witness.logEnd), \(end) is committed"
            }
            if let reason = partition.verify(number, below: end) { return "INV-3: \(id) may be elected: \(reason)" }
        }
        return nil
    }
}
