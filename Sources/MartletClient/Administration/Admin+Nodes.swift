package import Primitives
package import WireMessages

extension Admin {
    /// The cluster's brokers, or its controllers where the client was given controllers to start with.
    package func describeNodes(includesFenced: Bool = false) async throws(ClientError) -> DescribeClusterResponse {
        if cluster.configuration.usesControllers { return try await cluster.describeControllers() }
        var request = DescribeClusterRequest()
        request.includeFencedBrokers = includesFenced
        let response = try await cluster.send(request, to: .anyBroker)
        guard response.errorCode == .noError else {
            throw ClientError(code: response.errorCode, message: response.errorMessage)
        }
        return response
    }

    /// Removes what the cluster knows of a broker that is gone for good.
    package func unregisterBroker(_ id: BrokerID) async throws(ClientError) {
        var request = UnregisterBrokerRequest()
        request.brokerID = id
        let asked = request
        try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.sendToAdministration(asked)
            guard response.errorCode == .noError else {
                throw ClientError(code: response.errorCode, message: response.errorMessage)
            }
        }
    }

    /// Which versions of which APIs a broker answers.
    package func apiVersions(of broker: BrokerID) async throws(ClientError) -> [ApiVersionsResponse.ApiVersion] {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "martlet"
        request.clientSoftwareVersion = "0.1.0"
        let response = try await cluster.send(request, to: .broker(broker))
        guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
        return response.apiKeys
    }
}
