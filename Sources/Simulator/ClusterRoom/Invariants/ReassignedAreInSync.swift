import Metadata
import Primitives

/// Rule 21: a reassignment that is completed leaves its target, all of it in sync.
enum ReassignedAreInSync {
    static func violation(_ former: PartitionRegistration, _ present: PartitionRegistration) -> String? {
        guard !former.addingReplicas.isEmpty || !former.removingReplicas.isEmpty,
            present.addingReplicas.isEmpty, present.removingReplicas.isEmpty
        else { return nil }
        // Of several changes that were applied at once the last may have taken one out of sync again.
        guard present.partitionEpoch == former.partitionEpoch.next else { return nil }
        let original = former.replicas.filter { !former.addingReplicas.contains($0) }
        if Set(present.replicas) == Set(original) { return nil }
        guard present.replicas.allSatisfy(present.isr.contains) else {
            return "rule 21: the reassignment to \(present.replicas) is over with the ISR \(present.isr)"
        }
        return nil
    }
}
