import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Elects leaders on a client's word: the preferred ones, or any live one where nobody leads.
    ///
    /// An unclean election may lose what is committed; it takes the recovery candidate that is known to have most
    /// first, then the others in the order of preference. Where the request names no partitions, those that need no
    /// election are left out of the answer.
    ///
    /// - Errors: INVALID_REQUEST for an unknown kind of election, as a whole; for each partition
    ///   UNKNOWN_TOPIC_OR_PARTITION; ELECTION_NOT_NEEDED; PREFERRED_LEADER_NOT_AVAILABLE;
    ///   ELIGIBLE_LEADERS_NOT_AVAILABLE; POLICY_VIOLATION for too many partitions.
    package func electLeaders(_ request: ElectLeadersRequest) -> Decision<ElectLeadersResponse> {
        var response = ElectLeadersResponse()
        guard let kind = ElectionKind(rawValue: request.electionType) else {
            response.errorCode = .invalidRequest
            return Decision(reply: response)
        }
        var copy = self
        var records: [MetadataRecord] = []
        let asked: [(name: String, partitions: [PartitionIndex])] =
            request.topicPartitions.map { $0.map { ($0.topic, $0.partitions) } }
            ?? image.topics.sortedByName.map { topic in
                (topic.name, topic.partitions.indices.map { PartitionIndex(Int32($0)) })
            }
        for (name, partitions) in asked {
            var answer = ElectLeadersResponse.ReplicaElectionResult()
            answer.topic = name
            for index in partitions {
                var result = ElectLeadersResponse.PartitionResult()
                result.partitionID = index
                result.errorMessage = nil
                do throws(Refusal) {
                    guard records.count < ClusterController.recordsPerRequestMax else { throw .tooManyRecords }
                    let change = try copy.electing(kind, name, index)
                    copy.replay(.partitionChange(change))
                    records.append(.partitionChange(change))
                } catch {
                    if request.topicPartitions == nil, error.code == .electionNotNeeded { continue }
                    result.errorCode = error.code
                    result.errorMessage = error.message
                }
                answer.partitionResult.append(result)
            }
            if request.topicPartitions != nil || !answer.partitionResult.isEmpty {
                response.replicaElectionResults.append(answer)
            }
        }
        return Decision(records, reply: response)
    }

    private func electing(
        _ kind: ElectionKind, _ name: String, _ index: PartitionIndex
    ) throws(Refusal) -> PartitionChangeRecord {
        guard let topic = image.topics[name: name] else {
            throw Refusal(.unknownTopicOrPartition, "No such topic as \(name)")
        }
        guard let partition = topic[index] else {
            throw Refusal(.unknownTopicOrPartition, "No such partition as \(name)-\(index)")
        }
        let id = TopicPartitionID(topic.id, index)
        var proposal = PartitionProposal(isr: partition.isr)
        switch kind {
        case .preferred:
            guard partition.leader != partition.replicas.first else { throw .electionNotNeeded }
            proposal.election = .preferred
        case .unclean:
            guard partition.leader == nil else { throw .electionNotNeeded }
            let reported = reportedCandidates(of: id, partition)
            proposal.election = .unclean(order: uncleanOrder(reported.map(\.broker), partition))
            proposal.moved = reported.map(\.broker)
        }
        let next = election(topic: topic).outcome(of: proposal, in: partition)
        switch kind {
        case .preferred where next.leader != partition.replicas.first:
            throw Refusal(.preferredLeaderNotAvailable, "The preferred leader was not available.")
        case .unclean where next.leader == nil:
            throw Refusal(.eligibleLeadersNotAvailable, "Eligible topic partition leaders are not available.")
        case .preferred, .unclean: break
        }
        guard let change = PartitionChangeRecord(id, from: partition, to: next) else { throw .electionNotNeeded }
        return change
    }

    /// All replicas, the one from which an unclean election would lose least first, as far as that is known.
    private func uncleanOrder(_ reported: [BrokerID], _ partition: PartitionRegistration) -> [BrokerID] {
        let silent = partition.replicas.filter { partition.lastKnownELR.contains($0) && !reported.contains($0) }
        let others = partition.replicas.filter { !partition.lastKnownELR.contains($0) && !reported.contains($0) }
        let established = others.filter { !partition.addingReplicas.contains($0) }
        return reported + silent + established + others.filter(partition.addingReplicas.contains)
    }

    /// The replicas that reported what they hold, who holds most first.
    private func reportedCandidates(
        of id: TopicPartitionID, _ partition: PartitionRegistration
    ) -> [(broker: BrokerID, report: RecoveryReport)] {
        var reported: [(broker: BrokerID, report: RecoveryReport)] = []
        for candidate in partition.recoveryWitnesses {
            guard let broker = image.brokers[candidate],
                let report = recovery.report(on: id, from: candidate, broker.epoch)
            else { continue }
            let position = reported.firstIndex { $0.report.isBehind(report) } ?? reported.endIndex
            reported.insert((candidate, report), at: position)
        }
        return reported
    }

    /// Moves leaderships back to the first replica of each partition where it is in sync, `countMax` at most.
    package func rebalanceLeaders(countMax: Int) -> Decision<Int> {
        var left = countMax
        let records = partitionChanges { partition in
            guard left > 0, let preferred = partition.replicas.first, let leader = partition.leader,
                leader != preferred, partition.isr.contains(preferred), image.brokers.isActive(preferred),
                !evidence.isHeldDown(preferred, from: partition, in: image)
            else { return nil }
            left -= 1
            var proposal = PartitionProposal(isr: partition.isr)
            proposal.election = .preferred
            return proposal
        }
        return Decision(records, reply: records.count)
    }

    /// Elects where nobody leads and somebody may by now, `countMax` partitions at most: a topic may have been allowed
    /// unclean elections.
    package func electMissingLeaders(countMax: Int) -> Decision<Int> {
        let records = partitionChanges { partition in
            partition.leader == nil ? PartitionProposal(isr: partition.isr) : nil
        }
        let taken = Array(records.prefix(countMax))
        return Decision(taken, reply: taken.count)
    }
}

/// Kafka's numbers of the kinds of elections.
private enum ElectionKind: Int8 {
    case preferred = 0
    case unclean = 1
}

extension Refusal {
    fileprivate static let electionNotNeeded = Refusal(
        .electionNotNeeded, "Leader election not needed for topic partition.")
}
