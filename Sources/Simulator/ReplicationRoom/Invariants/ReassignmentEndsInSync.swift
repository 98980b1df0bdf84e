import Controller
import Metadata
import Primitives

/// Rule 21: a reassignment that is completed leaves its target, every one of it in sync; none, completed or cancelled,
/// leaves a partition without a replica that has all that is committed.
struct ReassignmentEndsInSync: ReplicationInvariant {
    private var former: PartitionRegistration?

    mutating func violation(in truth: ReplicationTruth) -> String? {
        let present = truth.partition
        guard let former, former.replicas != present.replicas else {
            self.former = present
            return nil
        }
        self.former = present
        let holders = present.isr + present.eligibleLeaderReplicas + present.lastKnownELR
        if holders.isEmpty { return "rule 21: \(present.replicas) hold nothing that is known to be complete" }
        let wasUnderway = !former.addingReplicas.isEmpty || !former.removingReplicas.isEmpty
        guard wasUnderway, present.addingReplicas.isEmpty, present.removingReplicas.isEmpty else { return nil }
        let original = former.replicas.filter { !former.addingReplicas.contains($0) }
        if Set(present.replicas) == Set(original) { return nil }
        guard present.replicas.allSatisfy(present.isr.contains) else {
            return "rule 21: the reassignment to \(present.replicas) is over with the ISR \(present.isr)"
        }
        return nil
    }
}
