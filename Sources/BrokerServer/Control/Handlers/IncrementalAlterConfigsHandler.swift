import Controller
import Metadata
import Primitives
package import WireMessages

/// IncrementalAlterConfigs (API key 44), v0–1, for topics, for all brokers, for the broker that is asked, and for the
/// loggers of the node that is asked, which no controller has a say in.
///
/// Errors: those of `ClusterController.incrementalAlterConfigs` and of `LoggerConfigs.alter`; INVALID_REQUEST for
/// another broker and for other kinds of resources; NOT_CONTROLLER.
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
        let answers = ownAnswers(request, isClient: context.listener.kind == .client)
        guard answers.isEmpty else { return serveRest(of: request, beside: answers, context, reply) }
        let rules = own.rules
        let standby = IncrementalAlterConfigsHandler.answer(request) { _ in Refusal(.notController) }
        route.serve(context, reply, standby: standby) { controller, _, _ in
            controller.incrementalAlterConfigs(request, rules: rules)
        }
    }

    /// What this node answers itself, by the place of the resource: nil where it did what was asked.
    private func ownAnswers(_ request: IncrementalAlterConfigsRequest, isClient: Bool) -> [Int: Refusal?] {
        var answers: [Int: Refusal?] = [:]
        for (index, resource) in request.resources.enumerated() {
            let target = ConfigResource(ConfigResource.Kind(resource.resourceType), resource.resourceName)
            if target.kind == .brokerLogger {
                answers[index] = .some(own.loggers.alter(resource, validatesOnly: request.validateOnly))
            } else if isClient, let refusal = own.refusal(of: target, setting: Self.values(resource)) {
                answers[index] = .some(refusal)
            }
        }
        return answers
    }

    /// What is to be set. A value that is taken back goes back to the properties, however far that is.
    private static func values(
        _ resource: IncrementalAlterConfigsRequest.AlterConfigsResource
    ) -> [(key: String, value: String)] {
        let set = resource.configs.filter { $0.configOperation == ConfigOperation.set.rawValue }
        return set.map { ($0.name, $0.value ?? "") }
    }

    /// Lets the controller decide on the rest, and answers in the order of the request.
    private func serveRest(
        of request: IncrementalAlterConfigsRequest, beside own: [Int: Refusal?], _ context: RequestContext,
        _ reply: Reply<IncrementalAlterConfigsResponse>
    ) {
        let places = request.resources.indices.filter { own[$0] == nil }
        let whole = IncrementalAlterConfigsHandler.answer(request) { own[$0] ?? nil }
        if places.isEmpty { return reply(whole) }
        var rest = request
        rest.resources = places.map { request.resources[$0] }
        let merged: @Sendable (IncrementalAlterConfigsResponse) -> IncrementalAlterConfigsResponse = { response in
            var merged = whole
            for (place, answer) in zip(places, response.responses) { merged.responses[place] = answer }
            return merged
        }
        guard context.listener.kind == .client else {
            let standby = merged(IncrementalAlterConfigsHandler.answer(rest) { _ in Refusal(.notController) })
            let (rest, rules) = (rest, self.own.rules)
            return route.serve(context, reply, standby: standby) { controller, _, _ in
                let decision = controller.incrementalAlterConfigs(rest, rules: rules)
                return Decision(decision.records, reply: merged(decision.reply))
            }
        }
        route.forward(rest, for: context) { response in
            guard let response, response.responses.count == places.count else { return reply.closeConnection() }
            reply(merged(response))
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
