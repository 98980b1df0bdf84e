import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Notes in which of its directories a broker holds its replicas (KIP-858).
    ///
    /// A replica that turns up where the broker has no directory in service is treated like one whose directory failed.
    /// Where a recovery candidate's recorded directory is gone, the record stays while nobody leads: a new, empty
    /// replica elsewhere is not the one that was in sync, and must not pass for it. Who leads has all that the
    /// candidate had, so beside a leader the replica elsewhere is recorded, and is a candidate no longer: else it could
    /// never come in sync.
    ///
    /// - Errors: BROKER_ID_NOT_REGISTERED and STALE_BROKER_EPOCH as a whole; for each partition UNKNOWN_TOPIC_ID,
    ///   UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER where the broker holds no replica.
    package func assignReplicasToDirectories(
        _ request: AssignReplicasToDirsRequest
    ) -> Decision<AssignReplicasToDirsResponse> {
        var response = AssignReplicasToDirsResponse()
        guard let broker = image.brokers[request.brokerID] else {
            response.errorCode = .brokerIDNotRegistered
            return Decision(reply: response)
        }
        guard broker.epoch == request.brokerEpoch else {
            response.errorCode = .staleBrokerEpoch
            return Decision(reply: response)
        }
        var copy = self
        var records: [MetadataRecord] = []
        for directory in request.directories {
            var answer = AssignReplicasToDirsResponse.DirectoryData()
            answer.id = directory.id
            for topic in directory.topics {
                var topicAnswer = AssignReplicasToDirsResponse.TopicData()
                topicAnswer.topicID = topic.topicID
                for data in topic.partitions {
                    var result = AssignReplicasToDirsResponse.PartitionData()
                    result.partitionIndex = data.partitionIndex
                    let id = TopicPartitionID(topic.topicID, data.partitionIndex)
                    do throws(Refusal) {
                        for change in try copy.assigning(id, of: broker, to: directory.id) {
                            copy.replay(.partitionChange(change))
                            records.append(.partitionChange(change))
                        }
                    } catch {
                        result.errorCode = error.code
                    }
                    topicAnswer.partitions.append(result)
                }
                answer.topics.append(topicAnswer)
            }
            response.directories.append(answer)
        }
        return Decision(records, reply: response)
    }

    private func assigning(
        _ id: TopicPartitionID, of broker: BrokerRegistration, to directory: DirectoryID
    ) throws(Refusal) -> [PartitionChangeRecord] {
        guard let topic = image.topics[id.topic] else { throw Refusal(.unknownTopicID) }
        guard let partition = topic[id.index] else { throw Refusal(.unknownTopicOrPartition) }
        guard let place = partition.replicas.firstIndex(of: broker.id) else { throw Refusal(.notLeaderOrFollower) }
        if directory == .lostDirectory { return try losing(id, partition, topic, place, broker) }
        var assigned = partition
        if partition.lastKnownELR.contains(broker.id), !isSameReplica(directory, partition.directories[place]) {
            guard partition.leader != nil, partition.recoveryState == .recovered else { return [] }
            assigned.lastKnownELR.removeAll { $0 == broker.id }
        }
        assigned.directories[place] = directory
        guard let change = PartitionChangeRecord(id, from: partition, to: assigned) else { return [] }
        if image.brokers.isOnline(directory, of: broker.id) { return [change] }
        guard let proposal = PartitionProposal.withdrawing(broker.id, isUnclean: true, from: assigned) else {
            return [change]
        }
        let next = election(topic: topic).outcome(of: proposal, in: assigned)
        return [change] + [PartitionChangeRecord(id, from: assigned, to: next)].compactMap { $0 }
    }

    /// A broker has found its replica damaged and wants to make it anew. It is withdrawn, and a leader epoch begins in
    /// which it has never fetched: so the leader can't take what it held for what it holds.
    ///
    /// - Errors: ELIGIBLE_LEADERS_NOT_AVAILABLE where no other replica that holds all that is committed would lead; the
    ///   damaged one may be the only one that has the rest.
    private func losing(
        _ id: TopicPartitionID, _ partition: PartitionRegistration, _ topic: TopicImage, _ place: Int,
        _ broker: BrokerRegistration
    ) throws(Refusal) -> [PartitionChangeRecord] {
        let proposal = PartitionProposal.withdrawing(broker.id, isUnclean: true, from: partition)
        let isSettled = partition.directories[place] == .lostDirectory && !partition.lastKnownELR.contains(broker.id)
        if proposal == nil, isSettled { return [] }
        var next = partition
        next.directories[place] = .lostDirectory
        if let proposal { next = election(topic: topic).outcome(of: proposal, in: next) }
        guard let leader = next.leader, leader != broker.id,
            partition.isr.contains(leader) || partition.eligibleLeaderReplicas.contains(leader)
        else { throw Refusal(.eligibleLeadersNotAvailable) }
        next.lastKnownELR.removeAll { $0 == broker.id }
        guard var change = PartitionChangeRecord(id, from: partition, to: next) else { return [] }
        change.leader = leader
        return [change]
    }
}
