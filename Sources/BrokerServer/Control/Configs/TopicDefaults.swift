import Controller

/// The defaults of topic configurations as a node's properties set them.
package enum TopicDefaults {
    /// What is given in the properties, by topic key; the rest has the table's defaults.
    package static func given(in settings: Settings) -> [String: String] {
        var defaults: [String: String] = [:]
        for config in TopicConfigs.all {
            guard let key = config.brokerKey, SettingTable.byName[key] != nil, settings.isGiven(key),
                let value = settings.optionalString(key)
            else { continue }
            defaults[config.name] = value
        }
        // A time can be given in coarser units; the finest one wins.
        if !settings.isGiven("log.retention.ms") {
            if settings.isGiven("log.retention.minutes"),
                let minutes = settings.optionalInteger("log.retention.minutes")
            {
                defaults["retention.ms"] = scaled(minutes, by: 60_000)
            } else if settings.isGiven("log.retention.hours") {
                defaults["retention.ms"] = scaled(settings.integer("log.retention.hours"), by: 3_600_000)
            }
        }
        if !settings.isGiven("log.roll.ms"), settings.isGiven("log.roll.hours") {
            defaults["segment.ms"] = scaled(settings.integer("log.roll.hours"), by: 3_600_000)
        }
        return defaults
    }

    private static func scaled(_ count: Int64, by factor: Int64) -> String {
        count < 0 ? "-1" : "\(count.multipliedReportingOverflow(by: factor).overflow ? Int64.max : count * factor)"
    }
}
