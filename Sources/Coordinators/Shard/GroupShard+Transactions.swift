import HashTreeCollections
import OrderedCollections
package import Primitives
package import WireMessages

#if MUTANTS
    import Mutants
#endif

extension GroupShard {
    /// Handles TxnOffsetCommit 0–5: offsets that count once the producer's transaction is committed (KIP-98,
    /// KIP-447).
    ///
    /// - Parameters:
    ///   - verification: under what the transaction's coordinator was asked; nil where it was not.
    ///   - isKnown: whether a partition exists; the others are answered UNKNOWN_TOPIC_OR_PARTITION.
    /// - Errors: for each partition OFFSET_METADATA_TOO_LARGE, or for all UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
    ///   ILLEGAL_GENERATION, INVALID_PRODUCER_EPOCH (a later one is being written),
    ///   COORDINATOR_NOT_AVAILABLE (the transaction ended since its coordinator was asked: it is to be asked again).
    package mutating func commitOffsets(
        _ request: TxnOffsetCommitRequest, verification: Int64? = nil, ticket: Ticket, at time: CoordinatorTime,
        isKnown: (_ topic: String, _ partition: PartitionIndex) -> Bool
    ) -> [GroupEffect] {
        let isStale = verification != nil && verifications[request.producerID] != verification
        let refusal = isStale ? .coordinatorNotAvailable : errorOfCommit(request)
        if refusal == nil, !request.memberID.isEmpty {
            groups[request.groupID]?.heard(request.memberID, at: time.now)
            noteDeadline(of: groups[request.groupID])
        }
        var records: [GroupRecord] = []
        var response = TxnOffsetCommitResponse()
        response.topics = request.topics.map { topic in
            var answered = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic()
            answered.name = topic.name
            answered.partitions = topic.partitions.map { partition in
                var result = TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
                if let refusal {
                    result.errorCode = refusal
                } else if !isKnown(topic.name, partition.partitionIndex) {
                    result.errorCode = .unknownTopicOrPartition
                } else if partition.committedMetadata?.utf16.count ?? 0 > settings.offsetMetadataBytesMax {
                    result.errorCode = .offsetMetadataTooLarge
                } else {
                    let place = ConsumedPartition(topic: topic.name, index: partition.partitionIndex)
                    let value = CommittedOffset(
                        offset: partition.committedOffset,
                        leaderEpoch: partition.committedLeaderEpoch.value < 0 ? nil : partition.committedLeaderEpoch,
                        metadata: partition.committedMetadata ?? "", commitTimestamp: time.timeOfDay,
                        expireTimestamp: nil)
                    records.append(.offset(group: request.groupID, partition: place, value: value))
                }
                return result
            }
            return answered
        }
        if records.isEmpty { return [.reply(ticket, .transactionalCommit(response))] }
        let producer = ProducerIdentity(request.producerID, request.producerEpoch)
        #if MUTANTS
            if Mutant.offsetsCountAtOnce.isOn {
                return [decide(records, then: .reply(ticket, .transactionalCommit(response)), at: time)]
            }
        #endif
        return [decide(records, by: producer, then: .reply(ticket, .transactionalCommit(response)), at: time)]
    }

    /// Before a transaction's coordinator is asked: an answer from before the transaction's end admits nothing
    /// (KAFKA-15784).
    package mutating func beginVerification(of producer: ProducerID, at time: CoordinatorTime) -> Int64 {
        if let known = verifications[producer] { return known }
        if verifications.count >= GroupShard.verificationsMax { verifications = [:] }
        // No number comes again in a later leadership.
        lastVerification = max(lastVerification + 1, time.now.value)
        verifications[producer] = lastVerification
        return lastVerification
    }

    /// Beyond these all begin anew.
    private static let verificationsMax = 10_000

    /// Ends a producer's transaction in the groups of this partition; answered when the marker is committed.
    package mutating func endTransaction(
        _ end: TransactionEnd, ticket: Ticket, at time: CoordinatorTime
    ) -> [GroupEffect] {
        verifications[end.producer.id] = nil
        // What is promised to be written can't be refused any more: one after the other.
        if line.epochUnderWay(of: end.producer.id) != nil {
            return [.reply(ticket, .transactionEnded(.concurrentTransactions))]
        }
        return [decide([], ending: end, then: .reply(ticket, .transactionEnded(.noError)), at: time)]
    }

    /// Members of the present generation, and those who name neither member nor generation: before version 3 there was
    /// no place for them, and the producer's epoch fences alone.
    private func errorOfCommit(_ request: TxnOffsetCommitRequest) -> ErrorCode? {
        if let later = line.epochUnderWay(of: request.producerID), later > request.producerEpoch {
            return .invalidProducerEpoch
        }
        if let group = consumerGroup(request.groupID) {
            if request.generationID < 0 && group.members.isEmpty || request.memberID.isEmpty { return nil }
            guard let member = group.members[request.memberID] else { return .unknownMemberID }
            return member.epoch == request.generationID ? nil : .illegalGeneration
        }
        guard let group = groups[request.groupID] else { return request.generationID < 0 ? nil : .illegalGeneration }
        if request.generationID < 0 && group.state == .empty { return nil }
        guard request.generationID >= 0 || !request.memberID.isEmpty || request.groupInstanceID != nil else {
            return nil
        }
        if let error = group.errorOfMember(request.memberID, instanceID: request.groupInstanceID) { return error }
        return request.generationID == group.generation ? nil : .illegalGeneration
    }
}
