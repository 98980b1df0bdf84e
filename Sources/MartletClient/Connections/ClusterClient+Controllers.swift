package import Primitives
package import WireMessages
package import WireProtocol
import World

extension ClusterClient {
    private static let controllerEndpoints: Int8 = 2

    /// Sends what the active controller decides: through any broker, which forwards it, or, where the client was given
    /// controllers to start with, to the active one itself.
    package func sendToAdministration<Request: WireRequest>(
        _ request: Request
    ) async throws(ClientError) -> Request.Response {
        guard configuration.usesControllers else { return try await send(request, to: .anyBroker) }
        return try await send(request, toController: try await describeControllers().controllerID)
    }

    /// Sends to one controller, by its id.
    package func send<Request: WireRequest>(
        _ request: Request, toController id: BrokerID
    ) async throws(ClientError) -> Request.Response {
        guard let found = try await describeControllers().brokers.first(where: { $0.brokerID == id }) else {
            throw ClientError(code: .notController, message: "Controller \(id) is not known or not active")
        }
        return try await send(request, to: Endpoint(host: found.host, port: Int(found.port)))
    }

    /// The controllers, with the active one; from one of those that the client was given.
    package func describeControllers() async throws(ClientError) -> DescribeClusterResponse {
        var request = DescribeClusterRequest()
        request.endpointType = ClusterClient.controllerEndpoints
        let asked = request
        return try await retrying { () throws(ClientError) in
            let response = try await send(asked, to: .anyBroker)
            guard response.errorCode == .noError else {
                throw ClientError(code: response.errorCode, message: response.errorMessage)
            }
            guard response.controllerID.value >= 0 else { throw ClientError(code: .notController) }
            return response
        }
    }
}
