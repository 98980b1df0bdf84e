import Metadata
import Primitives
import WireMessages

/// The circumstances of an election in one partition.
struct Election {
    let minInSyncReplicas: Int
    let allowsUnclean: Bool
    /// Whether a broker is registered, unfenced and not shutting down.
    let isActive: (BrokerID) -> Bool

    /// The partition as the proposal and the election leave it; epochs are not touched.
    func outcome(of proposal: PartitionProposal, in partition: PartitionRegistration) -> PartitionRegistration {
        var next = partition
        next.isr = proposal.isr
        if let state = proposal.recoveryState { next.recoveryState = state }
        settleEligible(&next, proposal, from: partition)
        let mayLead = { (broker: BrokerID) in broker != proposal.withdrawn && isActive(broker) }
        if let elected = proposal.electedLeader {
            next.leader = elected
        } else if let leader = partition.leader, next.isr.contains(leader), mayLead(leader) {
            next.leader = leader
        } else if let leader = next.replicas.first(where: { next.isr.contains($0) && mayLead($0) }) {
            next.leader = leader
        } else if let leader = next.replicas.first(where: { next.eligibleLeaderReplicas.contains($0) && mayLead($0) }) {
            // It holds all that is committed; the others must catch up with it.
            next.leader = leader
            next.isr = [leader]
            settleEligible(&next, proposal, from: partition)
        } else if allowsUnclean, let leader = next.replicas.first(where: mayLead) {
            next.leader = leader
            next.isr = [leader]
            next.recoveryState = .recovering
            next.eligibleLeaderReplicas = []
            next.lastKnownELR = []
        } else {
            next.leader = nil
        }
        return next
    }

    /// Who is known, or was last known, to hold all that is committed though not in the ISR (KIP-966).
    ///
    /// While the ISR is smaller than `min.insync.replicas` the high watermark stands still, so who left it in order
    /// still holds all of it. Who left with doubt becomes a recovery candidate, for the case that nobody else is left.
    private func settleEligible(
        _ next: inout PartitionRegistration, _ proposal: PartitionProposal, from partition: PartitionRegistration
    ) {
        guard next.isr.count < minInSyncReplicas else {
            next.eligibleLeaderReplicas = []
            next.lastKnownELR = []
            return
        }
        let isr = next.isr
        let former = partition.replicas.filter {
            partition.isr.contains($0) || partition.eligibleLeaderReplicas.contains($0)
        }
        next.eligibleLeaderReplicas = former.filter { !isr.contains($0) && $0 != proposal.unclean }
        let eligible = next.eligibleLeaderReplicas
        next.lastKnownELR = partition.replicas.filter { replica in
            let isDoubted = former.contains(replica) && replica == proposal.unclean
            return (isDoubted || partition.lastKnownELR.contains(replica)) && !isr.contains(replica)
                && !eligible.contains(replica)
        }
    }
}

extension ClusterController {
    func election(topic: TopicImage, partition: PartitionRegistration) -> Election {
        Election(
            minInSyncReplicas: minInSyncReplicas(topic: topic.name, replicas: partition.replicas.count),
            allowsUnclean: allowsUncleanElection(topic: topic.name), isActive: { image.brokers.isActive($0) })
    }

    /// The changes of all partitions for which `propose` has a proposal, ordered by topic id and index.
    ///
    /// - Parameter topics: where to look; everywhere if not given.
    func partitionChanges(
        in topics: [TopicImage]? = nil, _ propose: (PartitionRegistration) -> PartitionProposal?
    ) -> [MetadataRecord] {
        var records: [MetadataRecord] = []
        for topic in topics ?? image.topics.sortedByID {
            for (index, partition) in topic.partitions.enumerated() {
                guard let proposal = propose(partition) else { continue }
                let next = election(topic: topic, partition: partition).outcome(of: proposal, in: partition)
                let id = TopicPartitionID(topic.id, PartitionIndex(Int32(index)))
                if let change = PartitionChangeRecord(id, from: partition, to: next) {
                    records.append(.partitionChange(change))
                }
            }
        }
        return records
    }

    /// Moves leaderships back to the first replica of each partition where it is in sync, `countMax` at most.
    package func rebalanceLeaders(countMax: Int) -> Decision<Int> {
        var left = countMax
        let records = partitionChanges { partition in
            guard left > 0, let preferred = partition.replicas.first, let leader = partition.leader,
                leader != preferred, partition.isr.contains(preferred), image.brokers.isActive(preferred)
            else { return nil }
            left -= 1
            var proposal = PartitionProposal(isr: partition.isr)
            proposal.electedLeader = preferred
            return proposal
        }
        return Decision(records, reply: records.count)
    }
}

extension PartitionChangeRecord {
    /// What leads from one state of a partition to another; nil if nothing does.
    init?(_ id: TopicPartitionID, from old: PartitionRegistration, to new: PartitionRegistration) {
        self.init()
        topicID = id.topic
        partitionID = id.index
        let unchanged = self
        if new.isr != old.isr { isr = new.isr }
        if new.leader != old.leader { leader = new.leader ?? PartitionChangeRecord.noLeader }
        if new.recoveryState != old.recoveryState { leaderRecoveryState = new.recoveryState.rawValue }
        if new.eligibleLeaderReplicas != old.eligibleLeaderReplicas {
            eligibleLeaderReplicas = new.eligibleLeaderReplicas
        }
        if new.lastKnownELR != old.lastKnownELR { lastKnownElr = new.lastKnownELR }
        if self == unchanged { return nil }
    }
}
