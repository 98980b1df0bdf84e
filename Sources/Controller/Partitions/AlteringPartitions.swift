import Metadata
import Primitives
package import WireMessages

#if MUTANTS
    import Mutants
#endif

extension ClusterController {
    /// Decides on the ISR changes that a leader proposes (rules 13 and 14).
    ///
    /// - Errors: STALE_BROKER_EPOCH for the whole; for each partition what `refusal` says; NEW_LEADER_ELECTED where the
    ///   change takes the sender's own leadership. INELIGIBLE_REPLICA lets a leader take its proposal back: with it the
    ///   partition epoch moves, so that no other copy of the request that is still on its way can be applied after it.
    package func alterPartition(_ request: AlterPartitionRequest) -> Decision<AlterPartitionResponse> {
        var response = AlterPartitionResponse()
        guard let sender = image.brokers[request.brokerID], sender.epoch == request.brokerEpoch else {
            response.errorCode = .staleBrokerEpoch
            return Decision(reply: response)
        }
        var records: [MetadataRecord] = []
        for topic in request.topics {
            var answer = AlterPartitionResponse.TopicData()
            answer.topicID = topic.topicID
            for partition in topic.partitions {
                answer.partitions.append(altered(topic.topicID, partition, by: sender, &records))
            }
            response.topics.append(answer)
        }
        return Decision(records, reply: response)
    }

    private func altered(
        _ topicID: TopicID, _ data: AlterPartitionRequest.PartitionData, by sender: BrokerRegistration,
        _ records: inout [MetadataRecord]
    ) -> AlterPartitionResponse.PartitionData {
        var answer = AlterPartitionResponse.PartitionData()
        answer.partitionIndex = data.partitionIndex
        guard let topic = image.topics[topicID] else {
            answer.errorCode = .unknownTopicID
            return answer
        }
        guard let partition = topic[data.partitionIndex] else {
            answer.errorCode = .unknownTopicOrPartition
            return answer
        }
        if let code = refusal(of: data, partition, by: sender) {
            answer.errorCode = code
            if code == .ineligibleReplica {
                records.append(.partitionChange(.outdating(TopicPartitionID(topicID, data.partitionIndex), partition)))
            }
            return answer
        }
        var proposal = PartitionProposal(isr: inOrder(members(of: data, partition).map(\.brokerID), of: partition))
        proposal.recoveryState = LeaderRecoveryState(rawValue: data.leaderRecoveryState)
        var next = election(topic: topic).outcome(of: proposal, in: partition)
        let id = TopicPartitionID(topicID, data.partitionIndex)
        if let change = PartitionChangeRecord(id, from: partition, to: next) {
            records.append(.partitionChange(change))
            next = partition
            next.apply(change)
        }
        if next.leader != sender.id {
            answer.errorCode = .newLeaderElected
            return answer
        }
        answer.leaderID = next.leader ?? BrokerID(-1)
        answer.leaderEpoch = next.leaderEpoch
        answer.isr = next.isr
        answer.leaderRecoveryState = next.recoveryState.rawValue
        answer.partitionEpoch = next.partitionEpoch
        return answer
    }

    /// The checks of rule 14, in its order.
    private func refusal(
        of data: AlterPartitionRequest.PartitionData, _ partition: PartitionRegistration, by sender: BrokerRegistration
    ) -> ErrorCode? {
        #if MUTANTS
            let stale = Mutant.alterEpochsUnchecked.isOn ? nil : staleness(of: data, partition, by: sender)
        #else
            let stale = staleness(of: data, partition, by: sender)
        #endif
        if let stale { return stale }
        let members = members(of: data, partition)
        let isr = members.map(\.brokerID)
        guard Set(isr).count == isr.count, isr.allSatisfy(partition.replicas.contains), isr.contains(sender.id) else {
            return .invalidRequest
        }
        guard let state = LeaderRecoveryState(rawValue: data.leaderRecoveryState) else { return .invalidRequest }
        if state == .recovering, isr.count > 1 { return .invalidRequest }
        if state == .recovering, partition.recoveryState == .recovered { return .invalidRequest }
        for member in members {
            // An epoch of −1 would mean "do not check": it is equal to no registration, so it is refused.
            #if MUTANTS
                if Mutant.alterMembersUnchecked.isOn { continue }
            #endif
            guard let broker = image.brokers[member.brokerID], broker.isActive, broker.epoch == member.brokerEpoch,
                partition.isr.contains(broker.id) || isWhereRecorded(broker, partition)
            else { return .ineligibleReplica }
        }
        return nil
    }

    /// Whether a replica can lie where the metadata says: one on a new disk comes in sync only when that is recorded.
    /// If all crashed before, it would be taken for one that is not the replica that was in sync, and waited for.
    private func isWhereRecorded(_ broker: BrokerRegistration, _ partition: PartitionRegistration) -> Bool {
        partition.directory(of: broker.id).map { image.brokers.isOnline($0, of: broker.id) } ?? true
    }

    /// What is wrong with the sender or the epochs that it knows.
    private func staleness(
        of data: AlterPartitionRequest.PartitionData, _ partition: PartitionRegistration, by sender: BrokerRegistration
    ) -> ErrorCode? {
        // Who knows a later epoch than this controller has heard of a later controller.
        if data.leaderEpoch > partition.leaderEpoch || data.partitionEpoch > partition.partitionEpoch {
            return .notController
        }
        if data.leaderEpoch < partition.leaderEpoch { return .fencedLeaderEpoch }
        if partition.leader != sender.id { return .invalidRequest }
        if data.partitionEpoch < partition.partitionEpoch { return .invalidUpdateVersion }
        return nil
    }

    /// Version 2 names no broker epochs: who is in the ISR was checked when it came there, and left it with its life;
    /// who is to come can't be told from its former life, and is refused.
    private func members(
        of data: AlterPartitionRequest.PartitionData, _ partition: PartitionRegistration
    ) -> [AlterPartitionRequest.BrokerState] {
        if data.newIsr.isEmpty { return data.newIsrWithEpochs }
        return data.newIsr.map { broker in
            var member = AlterPartitionRequest.BrokerState()
            member.brokerID = broker
            if partition.isr.contains(broker), let epoch = image.brokers[broker]?.epoch { member.brokerEpoch = epoch }
            return member
        }
    }

    private func inOrder(_ brokers: [BrokerID], of partition: PartitionRegistration) -> [BrokerID] {
        partition.replicas.filter(brokers.contains)
    }
}
