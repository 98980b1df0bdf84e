package import Controller

/// The defaults of topic configurations as a node's settings set them.
package enum TopicDefaults {
    /// What is given in the settings, by topic key; the rest has the table's defaults.
    package static func given(in settings: Settings) -> [String: String] {
        var defaults: [String: String] = [:]
        for config in TopicConfigs.all {
            if let value = value(of: config, in: settings) { defaults[config.name] = value }
        }
        return defaults
    }

    /// The value of one topic key that settings give; nil where they leave it to the table.
    package static func value(of config: TopicConfig, in settings: Settings) -> String? {
        guard let key = config.brokerKey, SettingNames.inOrder(of: key).contains(where: settings.isGiven) else {
            return nil
        }
        guard SettingNames.inOrder(of: key).count > 1 else { return settings.optionalString(key) }
        return settings.milliseconds(key).map { "\($0)" }
    }
}
