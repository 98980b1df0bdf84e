/// What a configuration belongs to, under the numbers of the protocol.
package enum ConfigTarget: Hashable, Sendable {
    case topic(String)
    /// One broker; nil is the default for all.
    case broker(Int32?)
    case brokerLogger(Int32)
    case clientMetrics(String)
    case group(String)

    package var type: Int8 {
        switch self {
        case .topic: 2
        case .broker: 4
        case .brokerLogger: 8
        case .clientMetrics: 16
        case .group: 32
        }
    }

    package var name: String {
        switch self {
        case .topic(let name), .clientMetrics(let name), .group(let name): name
        case .broker(let id): id.map(String.init) ?? ""
        case .brokerLogger(let id): "\(id)"
        }
    }
}

/// Where a value comes from, under the numbers and names of the protocol.
package enum ConfigValueSource: Int8, Hashable, Sendable {
    case topic = 1
    case broker = 2
    case brokerDefault = 3
    case staticBroker = 4
    case builtIn = 5
    case brokerLogger = 6
    case clientMetrics = 7
    case group = 8

    /// Kafka's name of it.
    package var name: String {
        switch self {
        case .topic: "DYNAMIC_TOPIC_CONFIG"
        case .broker: "DYNAMIC_BROKER_CONFIG"
        case .brokerDefault: "DYNAMIC_DEFAULT_BROKER_CONFIG"
        case .staticBroker: "STATIC_BROKER_CONFIG"
        case .builtIn: "DEFAULT_CONFIG"
        case .brokerLogger: "DYNAMIC_BROKER_LOGGER_CONFIG"
        case .clientMetrics: "DYNAMIC_CLIENT_METRICS_CONFIG"
        case .group: "DYNAMIC_GROUP_CONFIG"
        }
    }
}

/// One configuration as the cluster sees it.
package struct ConfigEntry: Hashable, Sendable {
    /// A value that holds if those before it are taken away.
    package struct Synonym: Hashable, Sendable {
        package let name: String
        package let value: String?
        /// Nil for a source that is not known here.
        package let source: ConfigValueSource?

        package init(name: String, value: String?, source: ConfigValueSource?) {
            self.name = name
            self.value = value
            self.source = source
        }
    }

    package let name: String
    package let value: String?
    package let source: ConfigValueSource?
    package let isSensitive: Bool
    package let synonyms: [Synonym]

    package init(
        name: String, value: String?, source: ConfigValueSource?, isSensitive: Bool = false, synonyms: [Synonym] = []
    ) {
        self.name = name
        self.value = value
        self.source = source
        self.isSensitive = isSensitive
        self.synonyms = synonyms
    }
}
