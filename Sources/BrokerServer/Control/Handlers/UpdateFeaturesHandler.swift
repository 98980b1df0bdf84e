import Controller
import Metadata
import Primitives
package import WireMessages

/// UpdateFeatures (API key 57), v0–2: refuses every change, as each feature has one level in this release.
///
/// Errors: FEATURE_UPDATE_FAILED for each feature that is to change; NOT_CONTROLLER.
package struct UpdateFeaturesHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .all

    private let route: AdminRoute

    package init(_ route: AdminRoute) { self.route = route }

    package func handle(
        _ request: UpdateFeaturesRequest, _ context: RequestContext, _ reply: Reply<UpdateFeaturesResponse>
    ) {
        route.serve(context, reply, standby: UpdateFeaturesHandler.standby) { controller, _, _ in
            Decision(reply: UpdateFeaturesHandler.response(request, controller.image.features))
        }
    }

    private static func response(
        _ request: UpdateFeaturesRequest, _ features: FeaturesImage
    ) -> UpdateFeaturesResponse {
        var response = UpdateFeaturesResponse()
        for update in request.featureUpdates {
            var result = UpdateFeaturesResponse.UpdatableFeatureResult()
            result.feature = update.feature
            if (features[update.feature] ?? 0) != update.maxVersionLevel {
                result.errorCode = .featureUpdateFailed
                result.errorMessage = "This release supports no other level of \(update.feature)."
                // From version 2 on one error stands for the whole request.
                response.errorCode = result.errorCode
                response.errorMessage = result.errorMessage
            }
            response.results.append(result)
        }
        return response
    }

    private static var standby: UpdateFeaturesResponse {
        var response = UpdateFeaturesResponse()
        response.errorCode = .notController
        return response
    }
}
