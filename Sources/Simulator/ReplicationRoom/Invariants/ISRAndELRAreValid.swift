import Controller
import Metadata
import Primitives
import Replication

/// INV-7: ISR and ELR are disjoint parts of the replicas, ELR is empty while the ISR is large enough, the leader is in
/// the ISR.
struct ISRAndELRAreValid: ReplicationInvariant {
    func violation(in truth: ReplicationTruth) -> String? {
        let partition = truth.partition
        let (isr, elr) = (partition.isr, partition.eligibleLeaderReplicas)
        guard (isr + elr).allSatisfy(partition.replicas.contains) else { return "INV-7: ISR or ELR has a stranger" }
        guard !isr.contains(where: elr.contains) else { return "INV-7: ISR and ELR overlap" }
        let minimum = truth.controller.configuration.defaultMinInSyncReplicas
        guard isr.count < minimum || elr.isEmpty else { return "INV-7: ELR though the ISR is large enough" }
        if let leader = partition.leader, !isr.contains(leader) { return "INV-7: leader \(leader) is not in the ISR" }
        return nil
    }
}
