import Metadata
import Primitives

/// INV-9: where neither ISR nor ELR has anybody, those are known who were the last to have all (design 1.4).
struct RecoverySetIsKept: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        guard let registration = partition.registration, registration.isr.isEmpty,
            registration.eligibleLeaderReplicas.isEmpty, registration.lastKnownELR.isEmpty
        else { return nil }
        return "INV-9: nobody is in sync or eligible, and nobody is known to have been"
    }
}
