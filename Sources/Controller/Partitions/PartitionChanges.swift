import Metadata
import Primitives
import WireMessages

extension ClusterController {
    func election(topic: TopicImage) -> Election {
        Election(
            minInSyncReplicas: { minInSyncReplicas(topic: topic.name, replicas: $0) },
            allowsUnclean: allowsUncleanElection(topic: topic.name),
            keepsEligible: hasEligibleLeaderReplicas, isActive: { image.brokers.isActive($0) },
            isOnline: { image.brokers.isOnline($1, of: $0) },
            isHeldDown: { evidence.isHeldDown($0, from: $1, in: image) }, directory: soleDirectory)
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
                let next = election(topic: topic).outcome(of: proposal, in: partition)
                let id = TopicPartitionID(topic.id, PartitionIndex(Int32(index)))
                if let change = PartitionChangeRecord(id, from: partition, to: next) {
                    records.append(.partitionChange(change))
                }
            }
        }
        return records
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
        // A replica that goes must not be heard in the leader epoch in which it was one.
        if new.leader != old.leader || !old.replicas.allSatisfy(new.replicas.contains) {
            leader = new.leader ?? PartitionChangeRecord.noLeader
        }
        if new.replicas != old.replicas { replicas = new.replicas }
        if new.replicas != old.replicas || new.directories != old.directories { directories = new.directories }
        if new.removingReplicas != old.removingReplicas { removingReplicas = new.removingReplicas }
        if new.addingReplicas != old.addingReplicas { addingReplicas = new.addingReplicas }
        if new.recoveryState != old.recoveryState { leaderRecoveryState = new.recoveryState.rawValue }
        if new.eligibleLeaderReplicas != old.eligibleLeaderReplicas {
            eligibleLeaderReplicas = new.eligibleLeaderReplicas
        }
        if new.lastKnownELR != old.lastKnownELR { lastKnownElr = new.lastKnownELR }
        if self == unchanged { return nil }
    }

    /// A change that leaves all as it is, in a new partition epoch: what was proposed for the one before is too late.
    static func outdating(_ id: TopicPartitionID, _ partition: PartitionRegistration) -> PartitionChangeRecord {
        var record = PartitionChangeRecord()
        record.topicID = id.topic
        record.partitionID = id.index
        record.isr = partition.isr
        return record
    }
}
