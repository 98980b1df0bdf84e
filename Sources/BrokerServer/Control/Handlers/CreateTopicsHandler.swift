import Controller
import Metadata
import Primitives
package import WireMessages

/// CreateTopics (API key 19), v2–7.
///
/// Errors: those of `ClusterController.createTopics`; NOT_CONTROLLER. Not built: create policies.
package struct CreateTopicsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 2...7
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: CreateTopicsRequest, _ context: RequestContext, _ reply: Reply<CreateTopicsResponse>
    ) {
        var generator = route.drawGenerator()
        route.serve(context, reply, standby: CreateTopicsHandler.standby(request)) { controller, _, _ in
            controller.createTopics(request, generator: &generator)
        }
    }

    private static func standby(_ request: CreateTopicsRequest) -> CreateTopicsResponse {
        var response = CreateTopicsResponse()
        response.topics = request.topics.map { topic in
            var result = CreateTopicsResponse.CreatableTopicResult()
            result.name = topic.name
            result.errorCode = .notController
            return result
        }
        return response
    }
}
