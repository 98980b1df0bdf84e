import Coordinators
package import Metadata
import Primitives
package import WireMessages

/// Stores how far a group has read, in a transaction: it counts once that is committed.
///
/// The transaction's coordinator is asked first whether the group's partition belongs to it; from version 5 on it is
/// added (KIP-890).
///
/// - Errors: for each partition those of `GroupShard.commitOffsets`, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS
///   (also where the transaction's coordinator could not be asked), COORDINATOR_NOT_AVAILABLE (the commitment takes too
///   long, or the transaction ended meanwhile), INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING,
///   TRANSACTION_ABORTABLE (before version 4 INVALID_TXN_STATE).
/// - Source: KIP-98, KIP-447, KIP-890.
package struct TxnOffsetCommitHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...5
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost
    private let verifier: TransactionVerifier
    private let image: @Sendable () -> MetadataImage

    package init(
        _ groups: GroupCoordinatorHost, verifier: TransactionVerifier, image: @escaping @Sendable () -> MetadataImage
    ) {
        self.groups = groups
        self.verifier = verifier
        self.image = image
    }

    package func handle(
        _ request: TxnOffsetCommitRequest, _ context: RequestContext, _ reply: Reply<TxnOffsetCommitResponse>
    ) {
        let version = context.version
        let adds = version >= 5
        guard adds || verifier.verifiesOldClients else { return commit(request, verification: nil, reply) }
        let producer = ProducerIdentity(request.producerID, request.producerEpoch)
        let begun = groups.access(request.groupID) { shard, time in
            shard.beginVerification(of: producer.id, at: time)
        }
        let verification: Int64
        switch begun {
        case .failure(let refusal): return refuse(request, refusal.code, reply)
        case .success(let number): verification = number
        }
        guard let index = groups.partition(of: request.groupID) else { return refuse(request, .notCoordinator, reply) }
        let question = TransactionVerifier.Question(
            transactionalID: request.transactionalID, producer: producer,
            partitions: [TransactionPartition(topic: GroupCoordinatorHost.topicName, index: index)], adds: adds)
        verifier.ask(question) { errors in
            let error = errors.first ?? .unknownServerError
            guard error == .noError else { return refuse(request, error.ofOffsets(version: version), reply) }
            commit(request, verification: verification, reply)
        }
    }

    private func commit(
        _ request: TxnOffsetCommitRequest, verification: Int64?, _ reply: Reply<TxnOffsetCommitResponse>
    ) {
        let topics = image().topics
        groups.submit(
            request.groupID,
            answered: { answer in
                guard case .transactionalCommit(let response) = answer else {
                    preconditionFailure("a commit is answered by a commit")
                }
                reply(response)
            }, refused: { refuse(request, $0, reply) }
        ) { shard, ticket, time in
            shard.commitOffsets(request, verification: verification, ticket: ticket, at: time) { topic, partition in
                topics[name: topic]?[partition] != nil
            }
        }
    }

    private func refuse(
        _ request: TxnOffsetCommitRequest, _ error: ErrorCode, _ reply: Reply<TxnOffsetCommitResponse>
    ) {
        var response = TxnOffsetCommitResponse()
        response.topics = request.topics.map { topic in
            var answered = TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic()
            answered.name = topic.name
            answered.partitions = topic.partitions.map { partition in
                var result = TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition()
                result.partitionIndex = partition.partitionIndex
                result.errorCode = error
                return result
            }
            return answered
        }
        reply(response)
    }
}

extension ErrorCode {
    /// What the answer of a transaction's coordinator is to a client that commits offsets.
    fileprivate func ofOffsets(version: Int16) -> ErrorCode {
        switch self {
        case .producerFenced: .invalidProducerEpoch
        case .transactionAbortable where version < 4: .invalidTxnState
        // To be sent again, to the same coordinator.
        case .networkException, .coordinatorNotAvailable, .coordinatorLoadInProgress, .notCoordinator:
            .coordinatorLoadInProgress
        case .concurrentTransactions where version < 5: .coordinatorLoadInProgress
        default: self
        }
    }
}
