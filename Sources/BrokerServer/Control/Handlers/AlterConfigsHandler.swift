import Controller
import Metadata
import Primitives
package import WireMessages

/// AlterConfigs (API key 33), v0–2, for topics, for all brokers and for the broker that is asked.
///
/// Errors: those of `ClusterController.alterConfigs`; INVALID_REQUEST for another broker and for other kinds of
/// resources; NOT_CONTROLLER.
package struct AlterConfigsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .all

    private typealias Answer = AlterConfigsResponse.AlterConfigsResourceResponse

    private let route: AdminRoute
    private let own: OwnConfigs

    package init(_ route: AdminRoute, _ own: OwnConfigs) {
        self.route = route
        self.own = own
    }

    package func handle(
        _ request: AlterConfigsRequest, _ context: RequestContext, _ reply: Reply<AlterConfigsResponse>
    ) {
        let answers = context.listener.kind == .client ? refusals(request) : [:]
        guard answers.isEmpty else { return serveRest(of: request, beside: answers, context, reply) }
        let rules = own.rules
        let standby = AlterConfigsHandler.answer(request) { _ in Refusal(.notController) }
        route.serve(context, reply, standby: standby) { controller, _, _ in
            controller.alterConfigs(request, rules: rules)
        }
    }

    /// What this node refuses, by the place of the resource.
    private func refusals(_ request: AlterConfigsRequest) -> [Int: Refusal] {
        var refusals: [Int: Refusal] = [:]
        for (index, resource) in request.resources.enumerated() {
            let target = ConfigResource(ConfigResource.Kind(resource.resourceType), resource.resourceName)
            let values = resource.configs.map { ($0.name, $0.value ?? "") }
            if let refusal = own.refusal(of: target, setting: values) { refusals[index] = refusal }
        }
        return refusals
    }

    /// Lets the controller decide on what this node does not refuse, and answers in the order of the request.
    private func serveRest(
        of request: AlterConfigsRequest, beside refusals: [Int: Refusal], _ context: RequestContext,
        _ reply: Reply<AlterConfigsResponse>
    ) {
        let places = request.resources.indices.filter { refusals[$0] == nil }
        if places.isEmpty { return reply(AlterConfigsHandler.answer(request) { refusals[$0] }) }
        var rest = request
        rest.resources = places.map { request.resources[$0] }
        route.forward(rest, for: context) { response in
            guard let response, response.responses.count == places.count else { return reply.closeConnection() }
            var whole = AlterConfigsHandler.answer(request) { refusals[$0] }
            for (place, answer) in zip(places, response.responses) { whole.responses[place] = answer }
            reply(whole)
        }
    }

    private static func answer(
        _ request: AlterConfigsRequest, _ refusal: (Int) -> Refusal?
    ) -> AlterConfigsResponse {
        var response = AlterConfigsResponse()
        response.responses = request.resources.enumerated().map { index, resource in
            var answer = Answer()
            answer.resourceType = resource.resourceType
            answer.resourceName = resource.resourceName
            answer.errorMessage = nil
            if let refusal = refusal(index) {
                answer.errorCode = refusal.code
                answer.errorMessage = refusal.message
            }
            return answer
        }
        return response
    }
}
