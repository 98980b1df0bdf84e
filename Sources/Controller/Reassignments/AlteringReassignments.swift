import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Most records that one request of a client may lead to.
    static let recordsPerRequestMax = 10_000

    /// Starts, replaces and cancels reassignments, each partition by itself.
    ///
    /// A partition without replicas in the request is a cancellation. A reassignment is completed by the change that
    /// brings the last replica of its target into the ISR, and at once where all of them are in it.
    ///
    /// - Errors for each partition: UNKNOWN_TOPIC_OR_PARTITION; INVALID_REPLICA_ASSIGNMENT, also for a cancellation
    ///   that would lose what is committed where unclean elections are not allowed; INVALID_REPLICATION_FACTOR where
    ///   the request forbids to change it; NO_REASSIGNMENT_IN_PROGRESS; POLICY_VIOLATION for too many partitions.
    package func alterPartitionReassignments(
        _ request: AlterPartitionReassignmentsRequest
    ) -> Decision<AlterPartitionReassignmentsResponse> {
        var copy = self
        var response = AlterPartitionReassignmentsResponse()
        response.errorMessage = nil
        response.allowReplicationFactorChange = request.allowReplicationFactorChange
        var records: [MetadataRecord] = []
        for topic in request.topics {
            var answer = AlterPartitionReassignmentsResponse.ReassignableTopicResponse()
            answer.name = topic.name
            for partition in topic.partitions {
                var result = AlterPartitionReassignmentsResponse.ReassignablePartitionResponse()
                result.partitionIndex = partition.partitionIndex
                result.errorMessage = nil
                do throws(Refusal) {
                    let change = try copy.reassigning(
                        topic.name, partition, allowsFactorChange: request.allowReplicationFactorChange)
                    if let change {
                        guard records.count < ClusterController.recordsPerRequestMax else { throw .tooManyRecords }
                        copy.replay(.partitionChange(change))
                        records.append(.partitionChange(change))
                    }
                } catch {
                    result.errorCode = error.code
                    result.errorMessage = error.message
                }
                answer.partitions.append(result)
            }
            response.responses.append(answer)
        }
        return Decision(records, reply: response)
    }

    /// The change that a request for one partition leads to; nil where all is as it asks.
    private func reassigning(
        _ name: String, _ request: AlterPartitionReassignmentsRequest.ReassignablePartition, allowsFactorChange: Bool
    ) throws(Refusal) -> PartitionChangeRecord? {
        guard let topic = image.topics[name: name] else {
            throw Refusal(.unknownTopicOrPartition, "Unable to find a topic named \(name).")
        }
        guard let partition = topic[request.partitionIndex] else {
            throw Refusal(
                .unknownTopicOrPartition, "Unable to find partition \(name):\(request.partitionIndex).")
        }
        let proposal: PartitionProposal
        if let target = request.replicas {
            proposal = try reassignment(of: partition, to: target, allowsFactorChange: allowsFactorChange)
        } else {
            proposal = try cancellation(of: partition, "\(name):\(request.partitionIndex)", topic)
        }
        let next = election(topic: topic).outcome(of: proposal, in: partition)
        return PartitionChangeRecord(TopicPartitionID(topic.id, request.partitionIndex), from: partition, to: next)
    }

    private func reassignment(
        of partition: PartitionRegistration, to target: [BrokerID], allowsFactorChange: Bool
    ) throws(Refusal) -> PartitionProposal {
        try checkManualAssignment(target, replicationFactor: nil)
        let present = ReplicaAssignment(partition)
        let factor = present.target.count
        if !allowsFactorChange, target.count != factor {
            throw Refusal(
                .invalidReplicationFactor, "The replication factor is changed from \(factor) to \(target.count)")
        }
        var proposal = PartitionProposal(isr: partition.isr)
        proposal.assignment = present.moving(to: target) { partition.committedHolders.contains($0) }
        return proposal
    }

    private func cancellation(
        of partition: PartitionRegistration, _ name: String, _ topic: TopicImage
    ) throws(Refusal) -> PartitionProposal {
        let present = ReplicaAssignment(partition)
        guard present.isUnderway else {
            throw Refusal(.noReassignmentInProgress, "No partition reassignment is in progress.")
        }
        let original = present.original
        guard !original.isEmpty else {
            throw Refusal(
                .invalidReplicaAssignment, "Invalid replica assignment: addingReplicas contains all replicas.")
        }
        guard allowsUncleanElection(topic: topic.name) || keepsCommitted(partition, original) else {
            throw Refusal(
                .invalidReplicaAssignment,
                "Unable to revert partition assignment for \(name) because it would require an unclean leader "
                    + "election.")
        }
        var proposal = PartitionProposal(isr: partition.isr.filter(original.contains))
        proposal.assignment = present.reverted
        return proposal
    }

    /// Whether all that is committed is surely held by one of `replicas`.
    ///
    /// Each in-sync and each eligible replica has all of it; in a recovery only all together surely do: the whole log
    /// may be that of one that is being added.
    private func keepsCommitted(_ partition: PartitionRegistration, _ replicas: [BrokerID]) -> Bool {
        let holders = partition.committedHolders
        if holders.isEmpty { return true }
        let areTrusted = !partition.isr.isEmpty || !partition.eligibleLeaderReplicas.isEmpty
        return areTrusted ? holders.contains(where: replicas.contains) : holders.allSatisfy(replicas.contains)
    }
}

extension Refusal {
    /// A request that asks for more than one may.
    static let tooManyRecords = Refusal(
        .policyViolation,
        "Unable to perform excessively large batch operation: at most \(ClusterController.recordsPerRequestMax) "
            + "changes in one request.")
}
