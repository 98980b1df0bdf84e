import Controller
import Metadata
import Primitives
package import WireMessages

/// IncrementalAlterConfigs (API key 44), v0–1, for topics, for all brokers and for the broker that is asked.
///
/// Errors: those of `ClusterController.incrementalAlterConfigs`; INVALID_REQUEST for another broker and for other kinds
/// of resources; NOT_CONTROLLER.
package struct IncrementalAlterConfigsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners: ListenerKinds = .all

    private typealias Answer = IncrementalAlterConfigsResponse.AlterConfigsResourceResponse

    private let route: AdminRoute
    private let own: OwnConfigs

    package init(_ route: AdminRoute, _ own: OwnConfigs) {
        self.route = route
        self.own = own
    }

    package func handle(
        _ request: IncrementalAlterConfigsRequest, _ context: RequestContext,
        _ reply: Reply<IncrementalAlterConfigsResponse>
    ) {
        let answers = context.listener.kind == .client ? refusals(request) : [:]
        guard answers.isEmpty else { return serveRest(of: request, beside: answers, context, reply) }
        let rules = own.rules
        let standby = IncrementalAlterConfigsHandler.answer(request) { _ in Refusal(.notController) }
        route.serve(context, reply, standby: standby) { controller, _, _ in
            controller.incrementalAlterConfigs(request, rules: rules)
        }
    }

    /// What this node refuses, by the place of the resource.
    private func refusals(_ request: IncrementalAlterConfigsRequest) -> [Int: Refusal] {
        var refusals: [Int: Refusal] = [:]
        for (index, resource) in request.resources.enumerated() {
            let target = ConfigResource(ConfigResource.Kind(resource.resourceType), resource.resourceName)
            if let refusal = own.refusal(of: target) { refusals[index] = refusal }
        }
        return refusals
    }

    /// Lets the controller decide on what this node does not refuse, and answers in the order of the request.
    private func serveRest(
        of request: IncrementalAlterConfigsRequest, beside refusals: [Int: Refusal], _ context: RequestContext,
        _ reply: Reply<IncrementalAlterConfigsResponse>
    ) {
        let places = request.resources.indices.filter { refusals[$0] == nil }
        if places.isEmpty { return reply(IncrementalAlterConfigsHandler.answer(request) { refusals[$0] }) }
        var rest = request
        rest.resources = places.map { request.resources[$0] }
        route.forward(rest, for: context) { response in
            guard let response, response.responses.count == places.count else { return reply.closeConnection() }
            var whole = IncrementalAlterConfigsHandler.answer(request) { refusals[$0] }
            for (place, answer) in zip(places, response.responses) { whole.responses[place] = answer }
            reply(whole)
        }
    }

    private static func answer(
        _ request: IncrementalAlterConfigsRequest, _ refusal: (Int) -> Refusal?
    ) -> IncrementalAlterConfigsResponse {
        var response = IncrementalAlterConfigsResponse()
        response.responses = request.resources.enumerated().map { index, resource in
            var answer = Answer()
            answer.resourceType = resource.resourceType
            answer.resourceName = resource.resourceName
            if let refusal = refusal(index) {
                answer.errorCode = refusal.code
                answer.errorMessage = refusal.message
            }
            return answer
        }
        return response
    }
}
