import BrokerServer
import Metadata
import Primitives

/// INV-3: everyone who may be elected, in ISR or ELR, has all that is committed, if it runs.
struct ElectableAreComplete: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        guard let registration = partition.registration else { return nil }
        let end = partition.committed.end
        for number in partition.numbers where truth.isRunning(number) {
            let id = BrokerID(Int32(number))
            guard registration.isr.contains(id) || registration.eligibleLeaderReplicas.contains(id),
                let witness = partition.replicas[number]?.witness
            else { continue }
            if witness.logEnd < end {
                return "INV-3: \(id) may be elected and ends at \(witness.logEnd), \(end) is committed"
            }
            if let reason = partition.verify(number, below: end) { return "INV-3: \(id) may be elected: \(reason)" }
        }
        return nil
    }
}
