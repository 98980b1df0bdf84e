import HashTreeCollections
package import Primitives
package import WireMessages

/// A controller as the cluster knows it.
package struct ControllerRegistration: Hashable, Sendable {
    package let id: BrokerID
    package let incarnationID: UUID128
    package let listeners: [RegisteredListener]
    package let supportedFeatures: [SupportedFeature]

    package init(
        id: BrokerID, incarnationID: UUID128, listeners: [RegisteredListener], supportedFeatures: [SupportedFeature]
    ) {
        self.id = id
        self.incarnationID = incarnationID
        self.listeners = listeners
        self.supportedFeatures = supportedFeatures
    }

    package init(_ record: RegisterControllerRecord) {
        self.init(
            id: record.controllerID, incarnationID: record.incarnationID,
            listeners: record.endPoints.map {
                RegisteredListener(
                    name: $0.name, host: $0.host, port: $0.port, securityProtocol: $0.securityProtocol)
            },
            supportedFeatures: record.features.map {
                SupportedFeature(
                    name: $0.name,
                    levels: $0.minSupportedVersion...max($0.minSupportedVersion, $0.maxSupportedVersion))
            })
    }

    package var record: RegisterControllerRecord {
        var record = RegisterControllerRecord()
        record.controllerID = id
        record.incarnationID = incarnationID
        record.endPoints = listeners.map {
            var endpoint = RegisterControllerRecord.ControllerEndpoint()
            endpoint.name = $0.name
            endpoint.host = $0.host
            endpoint.port = $0.port
            endpoint.securityProtocol = $0.securityProtocol
            return endpoint
        }
        record.features = supportedFeatures.map {
            var feature = RegisterControllerRecord.ControllerFeature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.levels.lowerBound
            feature.maxSupportedVersion = $0.levels.upperBound
            return feature
        }
        return record
    }
}

/// All registered controllers.
package struct ControllersImage: Hashable, Sendable {
    private var byID: TreeDictionary<BrokerID, ControllerRegistration> = [:]

    package init() {}

    package subscript(_ id: BrokerID) -> ControllerRegistration? { byID[id] }

    /// All controllers, ordered by id.
    package var sorted: [ControllerRegistration] { byID.values.sorted { $0.id < $1.id } }

    mutating func register(_ record: RegisterControllerRecord) {
        let registration = ControllerRegistration(record)
        byID[registration.id] = registration
    }

    var records: [MetadataRecord] { sorted.map { .registerController($0.record) } }
}
