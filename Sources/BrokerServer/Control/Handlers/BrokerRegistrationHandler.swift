import Controller
import Metadata
import Primitives
package import WireMessages

/// BrokerRegistration (API key 62), v0–4; before version 2 brokers had no directory ids, and are refused for that.
///
/// Errors: those of `ClusterController.registerBroker`; NOT_CONTROLLER.
package struct BrokerRegistrationHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...4
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
