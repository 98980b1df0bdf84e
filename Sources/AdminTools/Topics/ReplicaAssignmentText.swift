import Primitives
package import WireMessages

/// `--replica-assignment`: partitions divided by commas, the replicas of each by colons, the leader first.
package enum ReplicaAssignmentText {
    /// The assignment of partitions 0, 1, 2, …; none where nothing is given.
    package static func parse(
        _ text: String?
    ) throws(ToolFailure) -> [CreateTopicsRequest.CreatableReplicaAssignment] {
        guard let text else { return [] }
        var assignments: [CreateTopicsRequest.CreatableReplicaAssignment] = []
        for (index, part) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            var brokers: [BrokerID] = []
            for id in part.split(separator: ":", omittingEmptySubsequences: false) {
                guard let number = Int32(id), number >= 0 else {
                    throw ToolFailure("--replica-assignment \(text): '\(id)' is no broker id")
                }
                guard !brokers.contains(BrokerID(number)) else {
                    throw ToolFailure("Partition replica lists may not contain duplicate entries: \(number)")
                }
                brokers.append(BrokerID(number))
            }
            var assignment = CreateTopicsRequest.CreatableReplicaAssignment()
            assignment.partitionIndex = PartitionIndex(Int32(index))
            assignment.brokerIDs = brokers
            assignments.append(assignment)
        }
        if Set(assignments.map(\.brokerIDs.count)).count > 1 {
            throw ToolFailure("--replica-assignment \(text): every partition needs the same number of replicas")
        }
        return assignments
    }
}
