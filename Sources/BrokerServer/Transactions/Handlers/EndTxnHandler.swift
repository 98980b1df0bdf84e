import Coordinators
package import Primitives
package import WireMessages

/// Commits or aborts a transaction; answered once that is decided for good (rule 28). In version 5 the producer goes
/// on with the epoch, or the id, of the answer (KIP-890).
///
/// - Errors: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE (no new id in time), and those of
///   `TransactionShard.end`; before version 2 INVALID_PRODUCER_EPOCH for PRODUCER_FENCED.
/// - Source: KIP-98, KIP-588, KIP-890.
package struct EndTxnHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...5
    package static let listeners: ListenerKinds = .client

    /// From here on each transaction has an epoch of its own.
    private static let ownEpochSince: Int16 = 5

    private let transactions: TransactionCoordinatorHost
    private let nextID: @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void

    package init(
        _ transactions: TransactionCoordinatorHost,
        nextID: @escaping @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void
    ) {
        self.transactions = transactions
        self.nextID = nextID
    }

    package func handle(_ request: EndTxnRequest, _ context: RequestContext, _ reply: Reply<EndTxnResponse>) {
        end(request, newID: nil, version: context.version, reply)
    }

    private func end(_ request: EndTxnRequest, newID: ProducerID?, version: Int16, _ reply: Reply<EndTxnResponse>) {
        let isOwnEpoch = version >= EndTxnHandler.ownEpochSince
        @Sendable func refuse(_ error: ErrorCode) {
            var response = EndTxnResponse()
            response.errorCode = error == .producerFenced && version < 2 ? .invalidProducerEpoch : error
            reply(response)
        }
        transactions.submit(
            request.transactionalID,
            answered: { answer in
                switch answer {
                case .producer(let id, let epoch):
                    var response = EndTxnResponse()
                    if isOwnEpoch {
                        response.producerID = id
                        response.producerEpoch = epoch
                    }
                    reply(response)
                case .failed(let error): refuse(error)
                case .needsProducerID:
                    nextID { newID in
                        guard let newID else { return refuse(.coordinatorNotAvailable) }
                        end(request, newID: newID, version: version, reply)
                    }
                case .partitions: preconditionFailure("the end of a transaction is answered with partitions")
                }
            }, refused: refuse
        ) { shard, ticket, time in
            shard.end(
                request.transactionalID, by: ProducerIdentity(request.producerID, request.producerEpoch),
                isCommit: request.committed, clientVersion: isOwnEpoch ? 2 : 0, newID: newID, ticket: ticket, at: time)
        }
    }
}
