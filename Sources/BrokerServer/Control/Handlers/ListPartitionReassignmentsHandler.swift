import Controller
import Metadata
import Primitives
package import WireMessages

/// ListPartitionReassignments (API key 46), v0: answered by the active controller, when all that it knows is committed.
///
/// Errors: NOT_CONTROLLER.
package struct ListPartitionReassignmentsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: ListPartitionReassignmentsRequest, _ context: RequestContext,
        _ reply: Reply<ListPartitionReassignmentsResponse>
    ) {
        route.serve(context, reply, standby: ListPartitionReassignmentsHandler.standby) { controller, _, _ in
            Decision(reply: controller.listPartitionReassignments(request))
        }
    }

    private static var standby: ListPartitionReassignmentsResponse {
        var response = ListPartitionReassignmentsResponse()
        response.errorCode = .notController
        return response
    }
}
