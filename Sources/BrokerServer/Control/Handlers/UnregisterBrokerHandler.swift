import Controller
import Metadata
import Primitives
package import WireMessages

/// UnregisterBroker (API key 64), v0.
///
/// Errors: BROKER_ID_NOT_REGISTERED; NOT_CONTROLLER.
package struct UnregisterBrokerHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: UnregisterBrokerRequest, _ context: RequestContext, _ reply: Reply<UnregisterBrokerResponse>
    ) {
        route.serve(context, reply, standby: UnregisterBrokerHandler.standby) { controller, _, _ in
            let decision = controller.unregisterBroker(request.brokerID)
            var response = UnregisterBrokerResponse()
            if let refusal = decision.reply {
                response.errorCode = refusal.code
                response.errorMessage = refusal.message
            }
            return Decision(decision.records, reply: response)
        }
    }

    private static var standby: UnregisterBrokerResponse {
        var response = UnregisterBrokerResponse()
        response.errorCode = .notController
        return response
    }
}
