package import Coordinators

extension GroupConfiguration {
    /// The coordinator's settings as the node's properties give them.
    package init(_ settings: Settings) {
        self.init()
        sessionTimeoutMillisecondsMin = Int32(clamping: settings.integer("group.min.session.timeout.ms"))
        sessionTimeoutMillisecondsMax = Int32(clamping: settings.integer("group.max.session.timeout.ms"))
        // A misordered pair admits exactly the larger of the two.
        sessionTimeoutMillisecondsMin = min(sessionTimeoutMillisecondsMin, sessionTimeoutMillisecondsMax)
        initialRebalanceDelayMilliseconds = settings.integer("group.initial.rebalance.delay.ms")
        membersMax = Int(settings.integer("group.max.size"))
        offsetMetadataBytesMax = Int(settings.integer("offset.metadata.max.bytes"))
        offsetsRetentionMilliseconds = settings.integer("offsets.retention.minutes") * 60_000
        offsetsRetentionCheckIntervalMilliseconds = max(1, settings.integer("offsets.retention.check.interval.ms"))
        commitTimeoutMilliseconds = settings.integer("offsets.commit.timeout.ms")
    }
}
