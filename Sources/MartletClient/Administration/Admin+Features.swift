import ClientCore
package import Primitives
package import WireMessages

extension Admin {
    /// The features that a node supports, and those that are finalized.
    ///
    /// - Parameter node: who is asked; any broker, or the active controller, if not given.
    package func features(of node: BrokerID? = nil) async throws(ClientError) -> ApiVersionsResponse {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "martlet"
        request.clientSoftwareVersion = "0.1.0"
        let asked = request
        let response = try await cluster.retrying { () throws(ClientError) in
            guard let node else { return try await cluster.sendToAdministration(asked) }
            if cluster.configuration.usesControllers { return try await cluster.send(asked, toController: node) }
            if cluster.view.brokers[node] == nil { try await cluster.refresh(topics: []) }
            return try await cluster.send(asked, to: .broker(node))
        }
        guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
        return response
    }

    /// Changes finalized levels, all of them or none.
    ///
    /// - Parameter upgradeType: Kafka's number: 1 for up, 2 for down where nothing is lost by it, 3 for down anyway.
    /// - Errors: the cluster's refusal, with its reason.
    package func updateFeatures(
        _ levels: [(name: String, level: Int16)], upgradeType: Int8, validatesOnly: Bool
    ) async throws(ClientError) {
        var request = UpdateFeaturesRequest()
        request.validateOnly = validatesOnly
        request.timeoutMilliseconds = Int32(clamping: cluster.configuration.requestTimeoutMilliseconds)
        request.featureUpdates = levels.map { name, level in
            var update = UpdateFeaturesRequest.FeatureUpdateKey()
            update.feature = name
            update.maxVersionLevel = level
            update.upgradeType = upgradeType
            return update
        }
        let asked = request
        try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.sendToAdministration(asked)
            let errors =
                [(response.errorCode, response.errorMessage)]
                + response.results.map { ($0.errorCode, $0.errorMessage) }
            for (code, message) in errors where code != .noError {
                throw ClientError(code: code, message: message)
            }
        }
    }
}
