import Controller
import Metadata
import Primitives
package import WireMessages

/// AlterPartition (API key 56), v2–3. A proposal of version 2 carries no broker epochs, without which a restarted
/// follower can't be told from its former life: it may shrink an ISR, not expand it.
///
/// Errors: those of `ClusterController.alterPartition`; NOT_CONTROLLER.
package struct AlterPartitionHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 2...3
    package static let listeners: ListenerKinds = .controller

    private let controller: ControllerHost

    package init(_ controller: ControllerHost) { self.controller = controller }

    package func handle(
        _ request: AlterPartitionRequest, _ context: RequestContext, _ reply: Reply<AlterPartitionResponse>
    ) {
        controller.decide { controller, _, _ in
            controller.alterPartition(request)
        } answer: { response in
            reply(response ?? AlterPartitionHandler.standby)
        }
    }

    private static var standby: AlterPartitionResponse {
        var response = AlterPartitionResponse()
        response.errorCode = .notController
        return response
    }
}
