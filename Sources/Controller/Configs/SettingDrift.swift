import Metadata
package import Primitives

/// A setting that should be alike on all brokers, and is not.
package struct SettingDrift: Hashable, Sendable {
    /// A value and the brokers that have it.
    package struct Share: Hashable, Sendable {
        /// Nil for the default.
        package let value: String?
        package let brokers: [BrokerID]
    }

    package let key: String
    /// By broker: the first of each comes first.
    package let shares: [Share]
    /// What is set for all brokers at run time; it acts instead of theirs.
    package let overriddenBy: String?
}

extension ClusterController {
    /// The settings in which brokers that are not fenced differ from each other, or `min.insync.replicas` from what the
    /// cluster has; ordered by key.
    package func settingDrifts() -> [SettingDrift] {
        let told = image.brokers.sorted.filter { !$0.isFenced }.compactMap { broker in
            broker.settings.map { (broker.id, $0) }
        }
        let overrides = image.configs[.allBrokers]
        let keys = Set(told.flatMap(\.1.keys)).union(told.isEmpty ? [] : ["min.insync.replicas"]).sorted()
        return keys.compactMap { key in
            var shares: [(value: String?, brokers: [BrokerID])] = []
            for (broker, settings) in told {
                if let index = shares.firstIndex(where: { $0.value == settings[key] }) {
                    shares[index].brokers.append(broker)
                } else {
                    shares.append((settings[key], [broker]))
                }
            }
            let override = overrides[key]
            let differsFromCluster =
                key == "min.insync.replicas"
                && override.map { cluster in
                    shares.contains { ($0.value ?? "1") != cluster }
                } ?? false
            // What is set for all brokers acts for all, whatever their properties say.
            guard differsFromCluster || (shares.count > 1 && override == nil) else { return nil }
            return SettingDrift(
                key: key, shares: shares.map { SettingDrift.Share(value: $0.value, brokers: $0.brokers) },
                overriddenBy: override)
        }
    }
}
