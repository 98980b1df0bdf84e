import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Notes a controller's address and features. A repeated registration writes nothing.
    package func registerController(
        _ request: ControllerRegistrationRequest
    ) -> Decision<ControllerRegistrationResponse> {
        var record = RegisterControllerRecord()
        record.controllerID = request.controllerID
        record.incarnationID = request.incarnationID
        record.zkMigrationReady = request.zkMigrationReady
        record.endPoints = request.listeners.map {
            var endpoint = RegisterControllerRecord.ControllerEndpoint()
            endpoint.name = $0.name
            endpoint.host = $0.host
            endpoint.port = $0.port
            endpoint.securityProtocol = $0.securityProtocol
            return endpoint
        }
        record.features = request.features.map {
            var feature = RegisterControllerRecord.ControllerFeature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.minSupportedVersion
            feature.maxSupportedVersion = $0.maxSupportedVersion
            return feature
        }
        let registration = ControllerRegistration(record)
        guard image.controllers[registration.id] != registration else {
            return Decision(reply: ControllerRegistrationResponse())
        }
        return Decision([.registerController(record)], reply: ControllerRegistrationResponse())
    }
}
