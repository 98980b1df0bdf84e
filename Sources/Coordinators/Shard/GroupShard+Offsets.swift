import HashTreeCollections
import Metadata
import OrderedCollections
package import Primitives
package import WireMessages

#if MUTANTS
    import Mutants
#endif

extension GroupShard {
    /// Handles OffsetCommit 2–9 (10 with the topics' names filled in); answered when the offsets are committed.
    ///
    /// - Parameter isKnown: whether a partition exists; the others are answered UNKNOWN_TOPIC_OR_PARTITION.
    /// - Errors: for each partition OFFSET_METADATA_TOO_LARGE, or for all UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
    ///   ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, GROUP_ID_NOT_FOUND (from version 9); from a consumer group
    ///   UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, UNSUPPORTED_VERSION (below 9), ILLEGAL_GENERATION (a classic member).
    package mutating func commitOffsets(
        _ request: OffsetCommitRequest, version: Int16, ticket: Ticket, at time: CoordinatorTime,
        isKnown: (_ topic: String, _ partition: PartitionIndex) -> Bool
    ) -> [GroupEffect] {
        let consumer = consumerGroup(request.groupID)
        let committer = consumer.flatMap { $0.members[request.memberID] }
        let refusal = consumer.map { errorOfCommit(request, version: version, $0) }
            ?? errorOfCommit(request, version: version)
        if refusal == nil { hearCommitter(request, at: time.now) }
        noteRefusal(of: request, refusal, at: time)
        var records: [GroupRecord] = []
        var response = OffsetCommitResponse()
        response.topics = request.topics.map { topic in
            var answered = OffsetCommitResponse.OffsetCommitResponseTopic()
            answered.name = topic.name
            answered.topicID = topic.topicID
            answered.partitions = topic.partitions.map { partition in
                var result = OffsetCommitResponse.OffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
                if let refusal {
                    result.errorCode = refusal
                } else if let error = committer.flatMap({
                    errorOfCommit(by: $0, topic: topic.name, partition.partitionIndex, request)
                }) {
                    result.errorCode = error
                } else if !isKnown(topic.name, partition.partitionIndex) {
                    result.errorCode = .unknownTopicOrPartition
                } else if partition.committedMetadata?.utf16.count ?? 0 > settings.offsetMetadataBytesMax {
                    result.errorCode = .offsetMetadataTooLarge
                } else {
                    let place = ConsumedPartition(topic: topic.name, index: partition.partitionIndex)
                    let value = committedOffset(
                        partition, retentionMilliseconds: request.retentionTimeMilliseconds, time)
                    records.append(.offset(group: request.groupID, partition: place, value: value))
                }
                return result
            }
            return answered
        }
        if records.isEmpty { return [.reply(ticket, .offsetCommit(response))] }
        return [decide(records, then: .reply(ticket, .offsetCommit(response)), at: time)]
    }

    private func committedOffset(
        _ partition: OffsetCommitRequest.OffsetCommitRequestPartition, retentionMilliseconds: Int64,
        _ time: CoordinatorTime
    ) -> CommittedOffset {
        let hasOwnRetention = retentionMilliseconds >= 0
        return CommittedOffset(
            offset: partition.committedOffset,
            leaderEpoch: partition.committedLeaderEpoch.value < 0 ? nil : partition.committedLeaderEpoch,
            metadata: partition.committedMetadata ?? "", commitTimestamp: time.timeOfDay,
            expireTimestamp: hasOwnRetention ? Timestamp(time.timeOfDay.value &+ retentionMilliseconds) : nil)
    }

    /// Who may commit: members of the present generation, and anyone where the group has no members.
    private func errorOfCommit(_ request: OffsetCommitRequest, version: Int16) -> ErrorCode? {
        #if MUTANTS
            if Mutant.oldGenerationCommits.isOn { return nil }
        #endif
        let generation = request.generationIDOrMemberEpoch
        guard let group = groups[request.groupID] else {
            // Without a group there is no generation to belong to: only a "simple" consumer may commit.
            if generation < 0 { return nil }
            if image[request.groupID] == nil && version >= 9 { return .groupIDNotFound }
            return .illegalGeneration
        }
        if generation < 0 && group.state == .empty { return nil }
        guard generation >= 0 || !request.memberID.isEmpty || request.groupInstanceID != nil else {
            return .unknownMemberID
        }
        if let error = group.errorOfMember(request.memberID, instanceID: request.groupInstanceID) { return error }
        if generation != group.generation { return .illegalGeneration }
        // A member that knows this generation has its join answered and not its assignment: it owns nothing yet.
        return group.isCompleting ? .rebalanceInProgress : nil
    }

    /// Who may commit in a consumer group: its members, and anyone where it has none.
    private func errorOfCommit(
        _ request: OffsetCommitRequest, version: Int16, _ group: ConsumerGroup
    ) -> ErrorCode? {
        #if MUTANTS
            if Mutant.oldGenerationCommits.isOn { return nil }
        #endif
        let epoch = request.generationIDOrMemberEpoch
        if epoch < 0 && group.members.isEmpty { return nil }
        guard let member = group.members[request.memberID] else { return .unknownMemberID }
        if member.classic != nil { return member.epoch == epoch ? nil : .illegalGeneration }
        if version < 9 { return .unsupportedVersion }
        return epoch < 0 || epoch > member.epoch ? .staleMemberEpoch : nil
    }

    /// A member that has not heard of its newest epoch yet may still commit what it has owned since before.
    private func errorOfCommit(
        by member: ConsumerMember, topic: String, _ partition: PartitionIndex, _ request: OffsetCommitRequest
    ) -> ErrorCode? {
        #if MUTANTS
            if Mutant.oldGenerationCommits.isOn { return nil }
        #endif
        let epoch = request.generationIDOrMemberEpoch
        if epoch == member.epoch { return nil }
        guard let id = topics.id(of: topic) else { return .staleMemberEpoch }
        return member.mayCommit(TopicPartitionID(id, partition), in: epoch) ? nil : .staleMemberEpoch
    }

    private mutating func noteRefusal(
        of request: OffsetCommitRequest, _ error: ErrorCode?, at time: CoordinatorTime
    ) {
        guard let error else { return }
        noteRefusal(.commitRefused, error, memberID: request.memberID, of: request.groupID, at: time)
    }

    private mutating func hearCommitter(_ request: OffsetCommitRequest, at now: MonotonicInstant) {
        guard !request.memberID.isEmpty, groups[request.groupID] != nil else { return }
        groups[request.groupID]?.heard(request.memberID, at: now)
        noteDeadline(of: groups[request.groupID])
    }
}
