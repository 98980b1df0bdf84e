package import Primitives
package import WireMessages

#if MUTANTS
    import Mutants
#endif

/// Whether a partition's leader may lack committed records, because an unclean election put it there.
package enum LeaderRecoveryState: Int8, Hashable, Sendable {
    case recovered = 0
    case recovering = 1
}

/// A partition as the cluster knows it.
///
/// - Invariant: `isr` and `eligibleLeaderReplicas` lie within `replicas` and are disjoint; the leader is in `isr`.
package struct PartitionRegistration: Hashable, Sendable {
    /// In the order of preference.
    package var replicas: [BrokerID]
    package var isr: [BrokerID]
    package var removingReplicas: [BrokerID]
    package var addingReplicas: [BrokerID]
    /// Nil while nobody may lead.
    package var leader: BrokerID?
    package var leaderEpoch: LeaderEpoch
    package var partitionEpoch: PartitionEpoch
    package var recoveryState: LeaderRecoveryState
    /// One for each replica, in the order of `replicas`.
    package var directories: [DirectoryID]
    /// Outside the ISR, yet known to hold all that is committed (KIP-966).
    package var eligibleLeaderReplicas: [BrokerID]
    /// While ISR and ELR are empty: those who were the last to hold all that was committed, now *recovery candidates*.
    package var lastKnownELR: [BrokerID]

    package init(
        replicas: [BrokerID], isr: [BrokerID], leader: BrokerID?, leaderEpoch: LeaderEpoch = .zero,
        partitionEpoch: PartitionEpoch = PartitionEpoch(0), recoveryState: LeaderRecoveryState = .recovered,
        directories: [DirectoryID]? = nil
    ) {
        self.replicas = replicas
        self.isr = isr
        removingReplicas = []
        addingReplicas = []
        self.leader = leader
        self.leaderEpoch = leaderEpoch
        self.partitionEpoch = partitionEpoch
        self.recoveryState = recoveryState
        self.directories = directories ?? replicas.map { _ in .unassignedDirectory }
        eligibleLeaderReplicas = []
        lastKnownELR = []
    }

    package init(_ record: PartitionRecord) {
        self.init(
            replicas: record.replicas, isr: record.isr, leader: BrokerID.optional(record.leader),
            leaderEpoch: record.leaderEpoch, partitionEpoch: record.partitionEpoch,
            recoveryState: LeaderRecoveryState(rawValue: record.leaderRecoveryState) ?? .recovered,
            directories: record.directories.count == record.replicas.count ? record.directories : nil)
        removingReplicas = record.removingReplicas
        addingReplicas = record.addingReplicas
        eligibleLeaderReplicas = record.eligibleLeaderReplicas ?? []
        lastKnownELR = record.lastKnownElr ?? []
    }

    /// Applies a change: what it does not mention stays; the partition epoch grows, and the leader epoch if it names a
    /// leader (even the same one).
    package mutating func apply(_ change: PartitionChangeRecord) {
        if let isr = change.isr { self.isr = isr }
        if let replicas = change.replicas {
            let former = Dictionary(zip(self.replicas, directories), uniquingKeysWith: { first, _ in first })
            self.replicas = replicas
            directories = replicas.map { former[$0] ?? .unassignedDirectory }
        }
        if let directories = change.directories, directories.count == replicas.count { self.directories = directories }
        if let removing = change.removingReplicas { removingReplicas = removing }
        if let adding = change.addingReplicas { addingReplicas = adding }
        if let state = LeaderRecoveryState(rawValue: change.leaderRecoveryState) { recoveryState = state }
        if let eligible = change.eligibleLeaderReplicas { eligibleLeaderReplicas = eligible }
        if let lastKnown = change.lastKnownElr { lastKnownELR = lastKnown }
        if change.leader != PartitionChangeRecord.sameLeader {
            leader = BrokerID.optional(change.leader)
            #if MUTANTS
                if !Mutant.leaderEpochStays.isOn { leaderEpoch = leaderEpoch.next }
            #else
                leaderEpoch = leaderEpoch.next
            #endif
        }
        partitionEpoch = partitionEpoch.next
    }

    /// The record that creates a partition like this one.
    package func record(topic: TopicID, index: PartitionIndex) -> PartitionRecord {
        var record = PartitionRecord()
        record.partitionID = index
        record.topicID = topic
        record.replicas = replicas
        record.isr = isr
        record.removingReplicas = removingReplicas
        record.addingReplicas = addingReplicas
        record.leader = leader ?? BrokerID(-1)
        record.leaderRecoveryState = recoveryState.rawValue
        record.leaderEpoch = leaderEpoch
        record.partitionEpoch = partitionEpoch
        record.directories = directories
        record.eligibleLeaderReplicas = eligibleLeaderReplicas.isEmpty ? nil : eligibleLeaderReplicas
        record.lastKnownElr = lastKnownELR.isEmpty ? nil : lastKnownELR
        return record
    }

    /// The directory that holds a replica; nil if the broker has none.
    package func directory(of broker: BrokerID) -> DirectoryID? {
        replicas.firstIndex(of: broker).map { directories[$0] }
    }
}

extension PartitionChangeRecord {
    /// The `leader` of a change that leaves the leader as it is.
    package static let sameLeader = BrokerID(-2)
    /// The `leader` of a change that leaves nobody in the lead.
    package static let noLeader = BrokerID(-1)
}

extension BrokerID {
    /// The wire's −1 for "nobody" as an optional.
    package static func optional(_ id: BrokerID) -> BrokerID? { id.value >= 0 ? id : nil }
}
