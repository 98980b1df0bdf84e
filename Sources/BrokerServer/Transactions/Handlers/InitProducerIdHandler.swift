import Coordinators
package import Primitives
package import WireMessages

/// Gives a producer its id and epoch.
///
/// - Errors: INVALID_REQUEST (an empty transactional id, or an id without its epoch), COORDINATOR_NOT_AVAILABLE (no
///   block of ids from the controller in time), for a transactional id NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS
///   and those of `TransactionShard.initProducer`.
/// - Source: KIP-98, KIP-360.
/// - Not implemented: version 6 belongs to two-phase commit (KIP-939).
package struct InitProducerIdHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...5
    package static let listeners: ListenerKinds = .client

    private let transactions: TransactionCoordinatorHost
    private let nextID: @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void

    /// - Parameter nextID: asks for an id that nobody else gets; nil where no controller gave one in time.
    package init(
        _ transactions: TransactionCoordinatorHost,
        nextID: @escaping @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void
    ) {
        self.transactions = transactions
        self.nextID = nextID
    }

    package func handle(
        _ request: InitProducerIdRequest, _ context: RequestContext, _ reply: Reply<InitProducerIdResponse>
    ) {
        guard (request.producerID.value < 0) == (request.producerEpoch.value < 0) else {
            return InitProducerIdHandler.refuse(reply, .invalidRequest)
        }
        if let id = request.transactionalID { return begin(id, request, newID: nil, version: context.version, reply) }
        // A producer that resumes by itself (KIP-360) gets a new id: without a transaction nothing ties it to the old.
        nextID { id in
            guard let id else { return InitProducerIdHandler.refuse(reply, .coordinatorNotAvailable) }
            InitProducerIdHandler.answer(reply, id, ProducerEpoch(0))
        }
    }

    private func begin(
        _ id: String, _ request: InitProducerIdRequest, newID: ProducerID?, version: Int16,
        _ reply: Reply<InitProducerIdResponse>
    ) {
        let expected: ProducerIdentity? =
            request.producerID.value < 0 ? nil : ProducerIdentity(request.producerID, request.producerEpoch)
        transactions.submit(
            id,
            answered: { answer in
                switch answer {
                case .producer(let producer, let epoch): InitProducerIdHandler.answer(reply, producer, epoch)
                case .failed(let error):
                    // Versions before 4 know no other name for it (KIP-588).
                    let isOld = error == .producerFenced && version < 4
                    InitProducerIdHandler.refuse(reply, isOld ? .invalidProducerEpoch : error)
                case .needsProducerID:
                    nextID { newID in
                        guard let newID else { return InitProducerIdHandler.refuse(reply, .coordinatorNotAvailable) }
                        begin(id, request, newID: newID, version: version, reply)
                    }
                case .partitions: preconditionFailure("a producer that begins is answered with partitions")
                }
            }, refused: { InitProducerIdHandler.refuse(reply, $0) }
        ) { shard, ticket, time in
            shard.initProducer(
                id, timeoutMilliseconds: request.transactionTimeoutMilliseconds, expected: expected, newID: newID,
                ticket: ticket, at: time)
        }
    }

    private static func answer(_ reply: Reply<InitProducerIdResponse>, _ id: ProducerID, _ epoch: ProducerEpoch) {
        var response = InitProducerIdResponse()
        response.producerID = id
        response.producerEpoch = epoch
        reply(response)
    }

    private static func refuse(_ reply: Reply<InitProducerIdResponse>, _ error: ErrorCode) {
        var response = InitProducerIdResponse()
        response.errorCode = error
        response.producerID = ProducerID(-1)
        response.producerEpoch = ProducerEpoch(-1)
        reply(response)
    }
}
