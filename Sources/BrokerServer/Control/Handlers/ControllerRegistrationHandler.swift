import Controller
import Metadata
import Primitives
package import WireMessages

/// ControllerRegistration (API key 70), v0.
///
/// Errors: NOT_CONTROLLER.
package struct ControllerRegistrationHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .controller

    private let controller: ControllerHost

    package init(_ controller: ControllerHost) { self.controller = controller }

    package func handle(
        _ request: ControllerRegistrationRequest, _ context: RequestContext,
        _ reply: Reply<ControllerRegistrationResponse>
    ) {
        controller.decide { controller, _, _ in
            controller.registerController(request)
        } answer: { response in
            reply(response ?? ControllerRegistrationHandler.standby)
        }
    }

    private static var standby: ControllerRegistrationResponse {
        var response = ControllerRegistrationResponse()
        response.errorCode = .notController
        return response
    }
}
