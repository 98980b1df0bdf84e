import Controller
import Primitives
import Quorum
package import WireMessages

/// UpdateFeatures (API key 57), v0–2: the finalized levels of features, all that are asked for or none.
///
/// `kraft.version` is finalized by the quorum, the others by the controller. Errors: INVALID_UPDATE_VERSION,
/// INVALID_REQUEST, REQUEST_TIMED_OUT while the voters are changed, for the whole request; NOT_CONTROLLER.
/// Source: KIP-584, KIP-778, KIP-853.
package struct UpdateFeaturesHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute
    private let quorum: QuorumHost

    package init(_ route: AdminRoute, _ quorum: QuorumHost) {
        self.route = route
        self.quorum = quorum
    }

    package func handle(
        _ request: UpdateFeaturesRequest, _ context: RequestContext, _ reply: Reply<UpdateFeaturesResponse>
    ) {
        if route.forwards(context, reply) { return }
        guard let controller = route.activeController else { return reply(UpdateFeaturesHandler.standby) }
        let version = context.version
        let updates = request.featureUpdates.map { FeatureUpdate($0, version: version) }
        let kraftVersion = quorum.kraftVersionOfLog
        // All in one turn of the loop: nothing is written before everything is checked, nothing changes in between, and
        // the quorum's record lies before the controller's, so that the answer waits for both.
        if let refusal = refusal(of: updates, controller, kraftVersion) {
            return reply(UpdateFeaturesHandler.response(refusal, request, version))
        }
        if !request.validateOnly, let level = UpdateFeaturesHandler.kraftVersion(in: updates) {
            quorum.writeKraftVersion(level, timeoutMilliseconds: Int64(request.timeoutMilliseconds))
        }
        route.serve(context, reply, standby: UpdateFeaturesHandler.standby) { controller, _, _ in
            let decision = controller.updateFeatures(
                updates, kraftVersion: kraftVersion, validateOnly: request.validateOnly)
            let response = UpdateFeaturesHandler.response(decision.reply, request, version)
            return Decision(decision.records, reply: response)
        }
    }

    private func refusal(
        of updates: [FeatureUpdate], _ controller: ClusterController, _ kraftVersion: Int16
    ) -> Refusal? {
        let decision = controller.updateFeatures(updates, kraftVersion: kraftVersion, validateOnly: true)
        if let refusal = decision.reply { return refusal }
        guard let level = UpdateFeaturesHandler.kraftVersion(in: updates),
            let reason = quorum.refusal(ofKraftVersion: level)
        else { return nil }
        return Refusal(reason.error == .notLeaderOrFollower ? .notController : reason.error, "\(reason)")
    }

    private static func kraftVersion(in updates: [FeatureUpdate]) -> Int16? {
        updates.first { $0.name == ClusterFeatures.kraftVersionName }?.level
    }

    private static func response(
        _ refusal: Refusal?, _ request: UpdateFeaturesRequest, _ version: Int16
    ) -> UpdateFeaturesResponse {
        var response = UpdateFeaturesResponse()
        if let refusal {
            response.errorCode = refusal.code
            response.errorMessage =
                "The update failed for all features since the following feature had an error: "
                + (refusal.message ?? "")
        } else if version <= 1 {
            response.results = request.featureUpdates.map { update in
                var result = UpdateFeaturesResponse.UpdatableFeatureResult()
                result.feature = update.feature
                return result
            }
        }
        return response
    }

    private static var standby: UpdateFeaturesResponse {
        var response = UpdateFeaturesResponse()
        response.errorCode = .notController
        return response
    }
}
