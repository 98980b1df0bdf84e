import Controller
import Primitives
package import WireMessages

/// UpdateFeatures (API key 57), v0–2: the finalized levels of features, all that are asked for or none.
///
/// Errors: INVALID_UPDATE_VERSION, INVALID_REQUEST, for the whole request; NOT_CONTROLLER.
/// Source: KIP-584, KIP-778.
package struct UpdateFeaturesHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: UpdateFeaturesRequest, _ context: RequestContext, _ reply: Reply<UpdateFeaturesResponse>
    ) {
        let version = context.version
        route.serve(context, reply, standby: UpdateFeaturesHandler.standby) { controller, _, _ in
            let updates = request.featureUpdates.map { FeatureUpdate($0, version: version) }
            let decision = controller.updateFeatures(updates, validateOnly: request.validateOnly)
            var response = UpdateFeaturesResponse()
            if let refusal = decision.reply {
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
            return Decision(decision.records, reply: response)
        }
    }

    private static var standby: UpdateFeaturesResponse {
        var response = UpdateFeaturesResponse()
        response.errorCode = .notController
        return response
    }
}
