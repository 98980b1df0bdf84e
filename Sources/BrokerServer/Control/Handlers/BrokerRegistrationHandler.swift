import Controller
import Metadata
import Primitives
package import WireMessages

/// BrokerRegistration (API key 62), v2–4: before that brokers had no directory ids.
///
/// Errors: those of `ClusterController.registerBroker`; NOT_CONTROLLER.
package struct BrokerRegistrationHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 2...4
    package static let listeners: ListenerKinds = .controller

    private let controller: ControllerHost

    package init(_ controller: ControllerHost) { self.controller = controller }

    package func handle(
        _ request: BrokerRegistrationRequest, _ context: RequestContext, _ reply: Reply<BrokerRegistrationResponse>
    ) {
        controller.decide { controller, next, now in
            let decision = controller.registerBroker(request, nextOffset: next, now: now)
            if decision.reply.errorCode == .noError {
                controller.sessions.start(request.brokerID, epoch: decision.reply.brokerEpoch, now: now)
            }
            return decision
        } answer: { response in
            reply(response ?? BrokerRegistrationHandler.standby)
        }
    }

    private static var standby: BrokerRegistrationResponse {
        var response = BrokerRegistrationResponse()
        response.errorCode = .notController
        return response
    }
}
