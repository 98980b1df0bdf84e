import Controller
import Metadata
import Primitives
package import WireMessages

/// AllocateProducerIds (API key 67), v0.
///
/// Errors: STALE_BROKER_EPOCH; NOT_CONTROLLER.
package struct AllocateProducerIDsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .controller

    private let controller: ControllerHost

    package init(_ controller: ControllerHost) { self.controller = controller }

    package func handle(
        _ request: AllocateProducerIdsRequest, _ context: RequestContext, _ reply: Reply<AllocateProducerIdsResponse>
    ) {
        controller.decide { controller, _, _ in
            controller.allocateProducerIDs(request)
        } answer: { response in
            reply(response ?? AllocateProducerIDsHandler.standby)
        }
    }

    private static var standby: AllocateProducerIdsResponse {
        var response = AllocateProducerIdsResponse()
        response.errorCode = .notController
        return response
    }
}
