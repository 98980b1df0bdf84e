import Controller
import Metadata
import Primitives
package import WireMessages

/// CreatePartitions (API key 37), v0–3.
///
/// Errors: those of `ClusterController.createPartitions`; NOT_CONTROLLER.
package struct CreatePartitionsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...3
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: CreatePartitionsRequest, _ context: RequestContext, _ reply: Reply<CreatePartitionsResponse>
    ) {
        route.serve(context, reply, standby: CreatePartitionsHandler.standby(request)) { controller, _, _ in
            controller.createPartitions(request)
        }
    }

    private static func standby(_ request: CreatePartitionsRequest) -> CreatePartitionsResponse {
        var response = CreatePartitionsResponse()
        response.results = request.topics.map { topic in
            var result = CreatePartitionsResponse.CreatePartitionsTopicResult()
            result.name = topic.name
            result.errorCode = .notController
            return result
        }
        return response
    }
}
