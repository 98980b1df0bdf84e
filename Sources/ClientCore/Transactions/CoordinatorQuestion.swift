package import Primitives
package import WireMessages

/// What a transactional producer asks coordinators, one question at a time, and how it reads their answers.
package enum CoordinatorQuestion: Hashable, Sendable {
    case initProducer(InitProducerIdRequest)
    /// Before version 2 of transactions only: then partitions join by what is written to them.
    case addPartitions(AddPartitionsToTxnRequest)
    /// Before version 2, too.
    case addOffsets(AddOffsetsToTxnRequest)
    /// The only one for the group's coordinator.
    case commitOffsets(TxnOffsetCommitRequest)
    case end(EndTxnRequest)

    /// The greatest versions for producers whose transactions have no epochs of their own: what came later adds
    /// partitions by itself (KIP-890).
    package enum OldVersion {
        package static let produce: Int16 = 11
        package static let commitOffsets: Int16 = 4
        package static let end: Int16 = 4
    }

    /// The greatest version of AddPartitionsToTxn that is for clients: brokers speak the later ones.
    package static let addPartitionsVersionMax: Int16 = 3

    // MARK: Requests

    static func initProducer(
        _ transactionalID: String, timeoutMilliseconds: Int32, expected: ProducerIdentity?
    ) -> CoordinatorQuestion {
        var request = InitProducerIdRequest()
        request.transactionalID = transactionalID
        request.transactionTimeoutMilliseconds = timeoutMilliseconds
        if let expected {
            request.producerID = expected.id
            request.producerEpoch = expected.epoch
        }
        return .initProducer(request)
    }

    static func addPartitions(
        _ places: [TopicPartition], to transactionalID: String, of producer: ProducerIdentity
    ) -> CoordinatorQuestion {
        var request = AddPartitionsToTxnRequest()
        request.v3AndBelowTransactionalID = transactionalID
        request.v3AndBelowProducerID = producer.id
        request.v3AndBelowProducerEpoch = producer.epoch
        request.v3AndBelowTopics = Set(places.map(\.topic)).sorted().map { name in
            var topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic()
            topic.name = name
            topic.partitions = places.filter { $0.topic == name }.map(\.partition)
            return topic
        }
        return .addPartitions(request)
    }

    static func addOffsets(
        of group: String, to transactionalID: String, of producer: ProducerIdentity
    ) -> CoordinatorQuestion {
        var request = AddOffsetsToTxnRequest()
        request.transactionalID = transactionalID
        request.producerID = producer.id
        request.producerEpoch = producer.epoch
        request.groupID = group
        return .addOffsets(request)
    }

    static func commitOffsets(
        _ offsets: TransactionMachine.GroupOffsets, in transactionalID: String, of producer: ProducerIdentity
    ) -> CoordinatorQuestion {
        var request = TxnOffsetCommitRequest()
        request.transactionalID = transactionalID
        request.groupID = offsets.group
        request.producerID = producer.id
        request.producerEpoch = producer.epoch
        for name in Set(offsets.positions.keys.map(\.topic)).sorted() {
            var topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic()
            topic.name = name
            topic.partitions = offsets.positions.filter { $0.key.topic == name }.sorted { $0.key < $1.key }.map {
                var partition = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition()
                partition.partitionIndex = $0.key.partition
                partition.committedOffset = $0.value.offset
                partition.committedLeaderEpoch = $0.value.leaderEpoch ?? LeaderEpoch(-1)
                return partition
            }
            request.topics.append(topic)
        }
        return .commitOffsets(request)
    }

    static func end(
        _ transactionalID: String, of producer: ProducerIdentity, isCommit: Bool
    ) -> CoordinatorQuestion {
        var request = EndTxnRequest()
        request.transactionalID = transactionalID
        request.producerID = producer.id
        request.producerEpoch = producer.epoch
        request.committed = isCommit
        return .end(request)
    }

    // MARK: Answers

    /// Of all partitions the error that says most: what was not attempted says nothing.
    package static func error(of response: AddPartitionsToTxnResponse) -> ErrorCode {
        let errors = response.resultsByTopicV3AndBelow.flatMap { $0.resultsByPartition.map(\.partitionErrorCode) }
        return errors.first { $0 != .noError && $0 != .operationNotAttempted } ?? errors.first { $0 != .noError }
            ?? .noError
    }

    /// The first error of any partition.
    package static func error(of response: TxnOffsetCommitResponse) -> ErrorCode {
        response.topics.flatMap(\.partitions).map(\.errorCode).first { $0 != .noError } ?? .noError
    }

    /// Who the producer goes on as; nil in versions that do not tell.
    package static func producer(of response: EndTxnResponse) -> ProducerIdentity? {
        response.producerID.value < 0
            ? nil : ProducerIdentity(id: response.producerID, epoch: response.producerEpoch)
    }
}
