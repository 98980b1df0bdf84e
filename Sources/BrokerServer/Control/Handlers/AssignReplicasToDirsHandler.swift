import Controller
import Metadata
import Primitives
package import WireMessages

/// AssignReplicasToDirs (API key 73), v0: a broker says in which log directory each of its replicas is.
///
/// Errors: those of `ClusterController.assignReplicasToDirectories`; NOT_CONTROLLER.
package struct AssignReplicasToDirsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .controller

    private let controller: ControllerHost

    package init(_ controller: ControllerHost) { self.controller = controller }

    package func handle(
        _ request: AssignReplicasToDirsRequest, _ context: RequestContext, _ reply: Reply<AssignReplicasToDirsResponse>
    ) {
        controller.decide { controller, _, _ in
            controller.assignReplicasToDirectories(request)
        } answer: { response in
            reply(response ?? AssignReplicasToDirsHandler.standby)
        }
    }

    private static var standby: AssignReplicasToDirsResponse {
        var response = AssignReplicasToDirsResponse()
        response.errorCode = .notController
        return response
    }
}
