package import Primitives
package import WireMessages

/// A broker as the cluster knows it.
package struct BrokerRegistration: Hashable, Sendable {
    package let id: BrokerID
    /// The offset of the registration record: names this life of the broker.
    package let epoch: BrokerEpoch
    package let incarnationID: UUID128
    package let listeners: [RegisteredListener]
    package let supportedFeatures: [SupportedFeature]
    package let rack: String?
    /// True while it may not be in any ISR: not caught up yet, or taken for dead.
    package var isFenced: Bool
    package var isInControlledShutdown: Bool
    /// The log directories that work.
    package var directories: [DirectoryID]
    /// Its settings that should be alike on all brokers and are not left at their defaults; nil where it does not tell.
    package var settings: [String: String]?

    package init(
        id: BrokerID, epoch: BrokerEpoch, incarnationID: UUID128, listeners: [RegisteredListener],
        supportedFeatures: [SupportedFeature] = [], rack: String? = nil, isFenced: Bool = true,
        isInControlledShutdown: Bool = false, directories: [DirectoryID] = [],
        settings: [String: String]? = nil
    ) {
        self.id = id
        self.epoch = epoch
        self.incarnationID = incarnationID
        self.listeners = listeners
        self.supportedFeatures = supportedFeatures
        self.rack = rack
        self.isFenced = isFenced
        self.isInControlledShutdown = isInControlledShutdown
        self.directories = directories
        self.settings = settings
    }

    package init(_ record: RegisterBrokerRecord) {
        self.init(
            id: record.brokerID, epoch: record.brokerEpoch, incarnationID: record.incarnationID,
            listeners: record.endPoints.map {
                RegisteredListener(
                    name: $0.name, host: $0.host, port: $0.port, securityProtocol: $0.securityProtocol)
            },
            supportedFeatures: record.features.map {
                SupportedFeature(
                    name: $0.name, levels: $0.minSupportedVersion...max($0.minSupportedVersion, $0.maxSupportedVersion))
            },
            rack: record.rack, isFenced: record.fenced, isInControlledShutdown: record.inControlledShutdown,
            directories: record.logDirs,
            settings: record.settings.map { settings in
                Dictionary(settings.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            })
    }

    /// Whether it may hold leadership and be taken into an ISR.
    package var isActive: Bool { !isFenced && !isInControlledShutdown }

    /// Where the broker is reached on a listener.
    package func listener(named name: String) -> RegisteredListener? { listeners.first { $0.name == name } }

    /// The record that registers a broker like this one.
    package var record: RegisterBrokerRecord {
        var record = RegisterBrokerRecord()
        record.brokerID = id
        record.brokerEpoch = epoch
        record.incarnationID = incarnationID
        record.endPoints = listeners.map {
            var endpoint = RegisterBrokerRecord.BrokerEndpoint()
            endpoint.name = $0.name
            endpoint.host = $0.host
            endpoint.port = $0.port
            endpoint.securityProtocol = $0.securityProtocol
            return endpoint
        }
        record.features = supportedFeatures.map {
            var feature = RegisterBrokerRecord.BrokerFeature()
            feature.name = $0.name
            feature.minSupportedVersion = $0.levels.lowerBound
            feature.maxSupportedVersion = $0.levels.upperBound
            return feature
        }
        record.rack = rack
        record.fenced = isFenced
        record.inControlledShutdown = isInControlledShutdown
        record.logDirs = directories
        record.settings = settings?.sorted { $0.key < $1.key }.map { name, value in
            var setting = RegisterBrokerRecord.Setting()
            setting.name = name
            setting.value = value
            return setting
        }
        return record
    }
}

/// Where a node can be reached on one of its listeners.
package struct RegisteredListener: Hashable, Sendable {
    package let name: String
    package let host: String
    package let port: UInt16
    /// Kafka's number: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    package let securityProtocol: Int16

    package init(name: String, host: String, port: UInt16, securityProtocol: Int16 = 0) {
        self.name = name
        self.host = host
        self.port = port
        self.securityProtocol = securityProtocol
    }
}

/// A feature and the levels of it that a node can work at.
package struct SupportedFeature: Hashable, Sendable {
    package let name: String
    package let levels: ClosedRange<Int16>

    package init(name: String, levels: ClosedRange<Int16>) {
        self.name = name
        self.levels = levels
    }
}
