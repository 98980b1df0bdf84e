import Metadata
import Primitives

/// A rule about one partition that holds after every event of any node (reliability 2.1). Each stands in a file of its
/// own, and says what is wrong, or nil.
protocol PartitionInvariant: Sendable {
    mutating func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String?
}

/// All rules. Those about the metadata alone are asked when it changes.
struct ClusterInvariants: Sendable {
    var metadataIsPrefix = MetadataIsPrefix()
    private var ofPartitions: [any PartitionInvariant] = [
        CommittedByLeaders(), TransactionsAreFollowed(), LogsMatchBelowWatermark(), LeadersAreComplete(),
        ElectableAreComplete(),
        LeaderCountsOnElectable(), RolesAreOwn(), ShownEndGrows(), StableEndGrows(),
    ]
    private var ofRegistrations: [any PartitionInvariant] = [
        InSyncSetsAreValid(), FencedAreOutOfSync(), RecoverySetIsKept(),
    ]

    mutating func violation(
        of partition: PartitionTruth, in truth: ClusterTruth, isRegistrationNew: Bool
    ) -> String? {
        guard partition.roles != nil else { return nil }
        if isRegistrationNew {
            for index in ofRegistrations.indices {
                if let reason = ofRegistrations[index].violation(of: partition, in: truth) { return reason }
            }
        }
        for index in ofPartitions.indices {
            if let reason = ofPartitions[index].violation(of: partition, in: truth) { return reason }
        }
        return nil
    }

    /// Rules about the step from one registration to the next.
    func change(of partition: PartitionTruth, to fresh: PartitionRegistration?, in truth: ClusterTruth) -> String? {
        guard let former = partition.registration, let fresh else { return nil }
        return ReassignedAreInSync.violation(former, fresh).map { "\(partition.name): \($0)" }
    }
}
