import Coordinators
import Primitives
package import WireMessages

/// Adds the partition of `__consumer_offsets` that keeps a group to a transaction.
///
/// - Errors: INVALID_REQUEST and INVALID_GROUP_ID for what is empty, COORDINATOR_NOT_AVAILABLE (`__consumer_offsets` is
///   being created), NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, and those of
///   `TransactionShard.addPartitions`; before version 2 INVALID_PRODUCER_EPOCH for PRODUCER_FENCED.
/// - Source: KIP-98. Clients of transaction version 2 have no use for it.
package struct AddOffsetsToTxnHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...4
    package static let listeners: ListenerKinds = .client

    private let transactions: TransactionCoordinatorHost
    private let groups: GroupCoordinatorHost
    private let createTopic: @Sendable (String) -> Void

    /// - Parameter createTopic: has the topic of groups created: a producer need not have looked for the coordinator.
    package init(
        _ transactions: TransactionCoordinatorHost, groups: GroupCoordinatorHost,
        createTopic: @escaping @Sendable (String) -> Void
    ) {
        self.transactions = transactions
        self.groups = groups
        self.createTopic = createTopic
    }

    package func handle(
        _ request: AddOffsetsToTxnRequest, _ context: RequestContext, _ reply: Reply<AddOffsetsToTxnResponse>
    ) {
        let isFencedUnnamed = context.version < 2
        @Sendable func answer(_ error: ErrorCode) {
            var response = AddOffsetsToTxnResponse()
            response.errorCode = error == .producerFenced && isFencedUnnamed ? .invalidProducerEpoch : error
            reply(response)
        }
        guard let index = groups.partition(of: request.groupID) else {
            if !request.groupID.isEmpty { createTopic(GroupCoordinatorHost.topicName) }
            return answer(.coordinatorNotAvailable)
        }
        let partition = TransactionPartition(topic: GroupCoordinatorHost.topicName, index: index)
        transactions.submit(
            request.transactionalID,
            answered: { result in
                switch result {
                case .partitions(let errors): answer(errors.first ?? .unknownServerError)
                case .failed(let error): answer(error)
                case .producer, .needsProducerID: preconditionFailure("partitions are answered with a producer")
                }
            }, refused: answer
        ) { shard, ticket, time in
            shard.addPartitions(
                [partition], to: request.transactionalID,
                by: ProducerIdentity(request.producerID, request.producerEpoch), clientVersion: 0, ticket: ticket,
                at: time)
        }
    }
}
