import Controller
import Metadata
import Primitives
package import WireMessages

/// IncrementalAlterConfigs (API key 44), v0–1, for topics.
///
/// Errors: those of `ClusterController.incrementalAlterConfigs`; NOT_CONTROLLER. Not built: resources other than
/// topics.
package struct IncrementalAlterConfigsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: IncrementalAlterConfigsRequest, _ context: RequestContext,
        _ reply: Reply<IncrementalAlterConfigsResponse>
    ) {
        route.serve(context, reply, standby: IncrementalAlterConfigsHandler.standby(request)) { controller, _, _ in
            controller.incrementalAlterConfigs(request)
        }
    }

    private static func standby(_ request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse {
        var response = IncrementalAlterConfigsResponse()
        response.responses = request.resources.map { resource in
            var result = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse()
            result.resourceType = resource.resourceType
            result.resourceName = resource.resourceName
            result.errorCode = .notController
            return result
        }
        return response
    }
}
