package import Primitives
package import WireMessages

/// Gives an idempotent producer its id.
///
/// - Errors: COORDINATOR_NOT_AVAILABLE (no block of ids from the controller in time, or a transactional id),
///   INVALID_REQUEST (an empty transactional id, or an id without its epoch).
/// - Source: KIP-98, KIP-360.
/// - Not implemented: transactional ids; version 6 belongs to two-phase commit (KIP-939).
package struct InitProducerIdHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...5
    package static let listeners: ListenerKinds = .client

    private let nextID: @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void

    /// - Parameter nextID: asks for an id that nobody else gets; nil where no controller gave one in time.
    package init(nextID: @escaping @Sendable (@escaping @Sendable (ProducerID?) -> Void) -> Void) {
        self.nextID = nextID
    }

    package func handle(
        _ request: InitProducerIdRequest, _ context: RequestContext, _ reply: Reply<InitProducerIdResponse>
    ) {
        if let id = request.transactionalID {
            return InitProducerIdHandler.refuse(reply, id.isEmpty ? .invalidRequest : .coordinatorNotAvailable)
        }
        guard (request.producerID.value < 0) == (request.producerEpoch.value < 0) else {
            return InitProducerIdHandler.refuse(reply, .invalidRequest)
        }
        // A producer that resumes by itself (KIP-360) gets a new id: without a transaction nothing ties it to the old.
        nextID { id in
            guard let id else { return InitProducerIdHandler.refuse(reply, .coordinatorNotAvailable) }
            var response = InitProducerIdResponse()
            response.producerID = id
            response.producerEpoch = ProducerEpoch(0)
            reply(response)
        }
    }

    private static func refuse(_ reply: Reply<InitProducerIdResponse>, _ error: ErrorCode) {
        var response = InitProducerIdResponse()
        response.errorCode = error
        response.producerID = ProducerID(-1)
        response.producerEpoch = ProducerEpoch(-1)
        reply(response)
    }
}
