import Controller
import Metadata
import Primitives
package import WireMessages

/// DeleteTopics (API key 20), v1–6.
///
/// Errors: those of `ClusterController.deleteTopics`; NOT_CONTROLLER.
package struct DeleteTopicsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 1...6
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: DeleteTopicsRequest, _ context: RequestContext, _ reply: Reply<DeleteTopicsResponse>
    ) {
        let version = context.version
        route.serve(context, reply, standby: DeleteTopicsHandler.standby(request)) { controller, _, _ in
            let decision = controller.deleteTopics(request)
            guard version < 6 else { return decision }
            var response = decision.reply
            for index in response.responses.indices {
                // Before ids were known there, a topic was always meant by name.
                if response.responses[index].name == nil { response.responses[index].name = "" }
                if version < 3, response.responses[index].errorCode == .topicDeletionDisabled {
                    response.responses[index].errorCode = .invalidRequest
                }
            }
            return Decision(decision.records, reply: response)
        }
    }

    private static func standby(_ request: DeleteTopicsRequest) -> DeleteTopicsResponse {
        var response = DeleteTopicsResponse()
        let named = request.topicNames.map { name in
            var result = DeleteTopicsResponse.DeletableTopicResult()
            result.name = name
            result.errorCode = .notController
            return result
        }
        response.responses =
            named
            + request.topics.map { topic in
                var result = DeleteTopicsResponse.DeletableTopicResult()
                result.name = topic.name
                result.topicID = topic.topicID
                result.errorCode = .notController
                return result
            }
        return response
    }
}
