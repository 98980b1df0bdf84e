import Controller
import Metadata
import Primitives
package import WireMessages

/// AlterPartitionReassignments (API key 45), v0–1.
///
/// Errors: those of `ClusterController.alterPartitionReassignments`; NOT_CONTROLLER.
package struct AlterPartitionReassignmentsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: AlterPartitionReassignmentsRequest, _ context: RequestContext,
        _ reply: Reply<AlterPartitionReassignmentsResponse>
    ) {
        route.serve(context, reply, standby: AlterPartitionReassignmentsHandler.standby) { controller, _, _ in
            controller.alterPartitionReassignments(request)
        }
    }

    private static var standby: AlterPartitionReassignmentsResponse {
        var response = AlterPartitionReassignmentsResponse()
        response.errorCode = .notController
        return response
    }
}
