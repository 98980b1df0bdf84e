package import Metadata
import WireMessages

/// Where a value in force comes from, as Kafka numbers it.
package enum ConfigSource: Int8, Hashable, Sendable {
    case dynamicTopic = 1
    case dynamicBroker = 2
    case dynamicDefaultBroker = 3
    case staticBroker = 4
    case defaultValue = 5
    case group = 8
}

/// A configuration value in force.
package struct EffectiveConfig: Hashable, Sendable {
    package let name: String
    package let value: String
    package let source: ConfigSource

    package init(name: String, value: String, source: ConfigSource) {
        self.name = name
        self.value = value
        self.source = source
    }
}

extension ClusterController {
    /// All configuration values of a topic, ordered by key.
    func effectiveConfigs(of topic: String) -> [EffectiveConfig] {
        let given = image.configs[.topic(topic)]
        return TopicConfigs.all.map { config in
            guard let value = given[config.name] else { return defaultConfig(config) }
            return EffectiveConfig(name: config.name, value: value, source: .dynamicTopic)
        }
    }

    /// The value of a key for topics that do not set it: what is set for all brokers, then this node's own.
    func defaultConfig(_ config: TopicConfig) -> EffectiveConfig {
        if let key = config.brokerKey, let value = image.configs[.allBrokers][key] {
            return EffectiveConfig(name: config.name, value: value, source: .dynamicDefaultBroker)
        }
        if let value = configuration.topicDefaults[config.name] {
            return EffectiveConfig(name: config.name, value: value, source: .staticBroker)
        }
        return EffectiveConfig(name: config.name, value: config.defaultValue, source: .defaultValue)
    }

    /// Whether the cluster keeps eligible leader replicas (KIP-966).
    var hasEligibleLeaderReplicas: Bool {
        (image.features[ClusterFeatures.eligibleLeaderReplicas] ?? 0) > 0
    }

    /// Gives a cluster with eligible leader replicas one `min.insync.replicas` for all brokers: were they to differ,
    /// a broker would commit with fewer replicas than the controller trusts in an election.
    func decideClusterMinInSyncReplicas(willHaveELR: Bool) -> [MetadataRecord] {
        guard willHaveELR, image.configs[.allBrokers]["min.insync.replicas"] == nil else { return [] }
        return [
            ConfigRecord.setting(
                .allBrokers, "min.insync.replicas", to: "\(configuration.defaultMinInSyncReplicas)")
        ]
    }
}

extension ConfigResource {
    /// What is set for all brokers.
    package static let allBrokers = ConfigResource(.broker, "")
}
