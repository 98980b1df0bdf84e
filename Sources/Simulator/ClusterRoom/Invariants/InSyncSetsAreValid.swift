import Metadata
import Primitives

/// INV-7: ISR and ELR are disjoint parts of the replicas, and the leader is in the ISR; with as many in sync as
/// acknowledgement asks for there is no ELR.
struct InSyncSetsAreValid: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        guard let registration = partition.registration else { return nil }
        let (isr, eligible) = (registration.isr, registration.eligibleLeaderReplicas)
        guard (isr + eligible).allSatisfy(registration.replicas.contains) else {
            return "INV-7: ISR \(isr) or ELR \(eligible) has a stranger to \(registration.replicas)"
        }
        if Set(isr + eligible).count != isr.count + eligible.count {
            return "INV-7: ISR \(isr) and ELR \(eligible) overlap"
        }
        if let leader = registration.leader, !isr.contains(leader) {
            return "INV-7: leader \(leader) is not in the ISR \(isr)"
        }
        let minimum = min(truth.minInSyncReplicas(partition.topicName), registration.replicas.count)
        if isr.count >= minimum, !eligible.isEmpty {
            return "INV-7: ELR \(eligible) though the ISR \(isr) is large enough"
        }
        return nil
    }
}
