import Metadata
import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

/// The circumstances of an election in one partition.
struct Election {
    /// `min.insync.replicas` of a partition with so many replicas.
    let minInSyncReplicas: (Int) -> Int
    let allowsUnclean: Bool
    /// Whether the cluster keeps eligible leader replicas (KIP-966). Without them the last member stays in the ISR,
    /// dead or alive: there is no other mark of who holds all that is committed.
    let keepsEligible: Bool
    /// Whether a broker is registered, unfenced and not shutting down.
    let isActive: (BrokerID) -> Bool
    /// Whether a broker has a directory in service, as far as is known; marks such as "unassigned" count as in service.
    let isOnline: (BrokerID, DirectoryID) -> Bool
    /// Whether a broker shall not lead a partition where another can (R6).
    let isHeldDown: (BrokerID, PartitionRegistration) -> Bool
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
        if !keepsEligible, next.isr.isEmpty { next.isr = partition.isr.filter(next.replicas.contains) }
        settleEligible(&next, proposal, from: partition)
        elect(&next, proposal, from: partition)
        return next
    }

    private func elect(
        _ next: inout PartitionRegistration, _ proposal: PartitionProposal, from partition: PartitionRegistration
    ) {
        let isAlive = { (broker: BrokerID) in broker != proposal.withdrawn && isActive(broker) }
        let mayLead = { [next] (broker: BrokerID) in
            isAlive(broker) && next.directory(of: broker).map { isOnline(broker, $0) } ?? false
        }
        let mayLeadInSync = { [isr = next.isr] (broker: BrokerID) in isr.contains(broker) && mayLead(broker) }
        if proposal.election == .preferred, let preferred = next.replicas.first, mayLeadInSync(preferred) {
            next.leader = preferred
        } else if let leader = partition.leader, mayLeadInSync(leader) {
            next.leader = leader
        } else if let leader = steadyFirst(of: next, next.replicas.filter(mayLeadInSync)) {
            next.leader = leader
        } else if let leader = steadyFirst(
            of: next, next.replicas.filter { next.eligibleLeaderReplicas.contains($0) && mayLead($0) })
        {
            // It holds all that is committed; the others must catch up with it.
            next.leader = leader
            next.isr = [leader]
            settleEligible(&next, proposal, from: partition)
        } else if case .unclean(let order) = proposal.election,
            let leader = order.first(where: mayLead) ?? proposal.moved.first(where: isAlive)
        {
            if !mayLead(leader) { next.forgetDirectory(of: leader) }
            next.leadUnclean(by: leader)
        } else if mayElectUnclean, let leader = uncleanOrder(next).first(where: mayLead) {
            next.leadUnclean(by: leader)
        } else {
            next.leader = nil
        }
    }

    private var mayElectUnclean: Bool {
        #if MUTANTS
            if Mutant.uncleanElection.isOn { return true }
        #endif
        return allowsUnclean
    }

    /// The first that is not held down; else the first: a restless leader is better than none.
    private func steadyFirst(of partition: PartitionRegistration, _ candidates: [BrokerID]) -> BrokerID? {
        candidates.first { !isHeldDown($0, partition) } ?? candidates.first
    }

    /// Who may be elected without an operator's word though it may lack committed records, the most hopeful first: none
    /// that a reassignment is only just adding, as it may hold nothing at all.
    private func uncleanOrder(_ next: PartitionRegistration) -> [BrokerID] {
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
        guard keepsEligible, next.isr.count < minInSyncReplicas(next.replicas.count) else {
            #if MUTANTS
                if Mutant.eligibleForGood.isOn { return }
            #endif
            next.eligibleLeaderReplicas = []
            next.lastKnownELR = []
            return
        }
        let isr = next.isr
        let former = next.replicas.filter {
            partition.isr.contains($0) || partition.eligibleLeaderReplicas.contains($0)
        }
        next.eligibleLeaderReplicas = former.filter { !isr.contains($0) && $0 != proposal.unclean }
        #if MUTANTS
            if Mutant.doubtedStaysEligible.isOn {
                next.eligibleLeaderReplicas = former.filter { !isr.contains($0) }
            }
            if Mutant.candidatesForgotten.isOn { return }
        #endif
        let eligible = next.eligibleLeaderReplicas
        next.lastKnownELR = next.replicas.filter { replica in
            let isDoubted = former.contains(replica) && replica == proposal.unclean
            return (isDoubted || partition.lastKnownELR.contains(replica)) && !isr.contains(replica)
                && !eligible.contains(replica)
        }
    }
}

extension PartitionRegistration {
    /// The broker will say where the replica is.
    fileprivate mutating func forgetDirectory(of broker: BrokerID) {
        guard let place = replicas.firstIndex(of: broker) else { return }
        directories[place] = .unassignedDirectory
    }

    fileprivate mutating func leadUnclean(by broker: BrokerID) {
        leader = broker
        isr = [broker]
        recoveryState = .recovering
        eligibleLeaderReplicas = []
        lastKnownELR = []
    }
}
