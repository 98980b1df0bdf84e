import Metadata
import Primitives
import WireMessages

/// The circumstances of an election in one partition.
struct Election {
    /// `min.insync.replicas` of a partition with so many replicas.
    let minInSyncReplicas: (Int) -> Int
    let allowsUnclean: Bool
    /// Whether a broker is registered, unfenced and not shutting down.
    let isActive: (BrokerID) -> Bool
    /// Where a new replica on a broker goes.
    let directory: (BrokerID) -> DirectoryID

    /// The partition as the proposal, the end of its reassignment and the election leave it; epochs are not touched.
    func outcome(of proposal: PartitionProposal, in partition: PartitionRegistration) -> PartitionRegistration {
        var next = partition
        next.isr = proposal.isr
        if let state = proposal.recoveryState { next.recoveryState = state }
        if let assignment = proposal.assignment { next.adopt(assignment, directory: directory) }
        if let completed = ReplicaAssignment(next).completed(inSync: next.isr) {
            next.adopt(completed, directory: directory)
        }
        settleEligible(&next, proposal, from: partition)
        elect(&next, proposal, from: partition)
        return next
    }

    private func elect(
        _ next: inout PartitionRegistration, _ proposal: PartitionProposal, from partition: PartitionRegistration
    ) {
        let mayLead = { (broker: BrokerID) in broker != proposal.withdrawn && isActive(broker) }
        let mayLeadInSync = { [isr = next.isr] (broker: BrokerID) in isr.contains(broker) && mayLead(broker) }
        if proposal.election == .preferred, let preferred = next.replicas.first, mayLeadInSync(preferred) {
            next.leader = preferred
        } else if let leader = partition.leader, mayLeadInSync(leader) {
            next.leader = leader
        } else if let leader = next.replicas.first(where: mayLeadInSync) {
            next.leader = leader
        } else if let leader = next.replicas.first(where: { next.eligibleLeaderReplicas.contains($0) && mayLead($0) }) {
            // It holds all that is committed; the others must catch up with it.
            next.leader = leader
            next.isr = [leader]
            settleEligible(&next, proposal, from: partition)
        } else if let leader = uncleanOrder(next, proposal).first(where: mayLead) {
            next.leader = leader
            next.isr = [leader]
            next.recoveryState = .recovering
            next.eligibleLeaderReplicas = []
            next.lastKnownELR = []
        } else {
            next.leader = nil
        }
    }

    /// Who may be elected though it may lack committed records, the most hopeful first.
    ///
    /// Without an operator's word none that a reassignment is only just adding: it may hold nothing at all.
    private func uncleanOrder(_ next: PartitionRegistration, _ proposal: PartitionProposal) -> [BrokerID] {
        if case .unclean(let order) = proposal.election { return order.filter(next.replicas.contains) }
        guard allowsUnclean else { return [] }
        let established = next.replicas.filter { !next.addingReplicas.contains($0) }
        return next.replicas.filter(next.lastKnownELR.contains) + established
    }

    /// Who is known, or was last known, to hold all that is committed though not in the ISR (KIP-966).
    ///
    /// While the ISR is smaller than `min.insync.replicas` the high watermark stands still, so who left it in order
    /// still holds all of it. Who left with doubt becomes a recovery candidate, for the case that nobody else is left.
    private func settleEligible(
        _ next: inout PartitionRegistration, _ proposal: PartitionProposal, from partition: PartitionRegistration
    ) {
        guard next.isr.count < minInSyncReplicas(next.replicas.count) else {
            next.eligibleLeaderReplicas = []
            next.lastKnownELR = []
            return
        }
        let isr = next.isr
        let former = next.replicas.filter {
            partition.isr.contains($0) || partition.eligibleLeaderReplicas.contains($0)
        }
        next.eligibleLeaderReplicas = former.filter { !isr.contains($0) && $0 != proposal.unclean }
        let eligible = next.eligibleLeaderReplicas
        next.lastKnownELR = next.replicas.filter { replica in
            let isDoubted = former.contains(replica) && replica == proposal.unclean
            return (isDoubted || partition.lastKnownELR.contains(replica)) && !isr.contains(replica)
                && !eligible.contains(replica)
        }
    }
}
