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
        servesConsumerProtocol = settings.list("group.coordinator.rebalance.protocols").contains {
            $0.lowercased() == "consumer"
        }
        consumerMembersMax = Int(settings.integer("group.consumer.max.size"))
        let assignors = settings.list("group.consumer.assignors").compactMap(ServerAssignor.init(configured:))
        if !assignors.isEmpty { consumerAssignors = assignors }
        migrationPolicy =
            GroupMigrationPolicy(rawValue: settings.string("group.consumer.migration.policy").lowercased())
            ?? migrationPolicy
        expressionRefreshMilliseconds = settings.integer("group.consumer.regex.refresh.interval.ms")
        func bounded(_ name: String, _ least: String, _ most: String) -> Int64 {
            min(settings.integer(most), max(settings.integer(least), settings.integer(name)))
        }
        consumerLimits.sessionTimeoutMilliseconds = bounded(
            "group.consumer.session.timeout.ms", "group.consumer.min.session.timeout.ms",
            "group.consumer.max.session.timeout.ms")
        let heartbeat = bounded(
            "group.consumer.heartbeat.interval.ms", "group.consumer.min.heartbeat.interval.ms",
            "group.consumer.max.heartbeat.interval.ms")
        consumerLimits.heartbeatIntervalMilliseconds = Int32(clamping: heartbeat)
        consumerLimits.assignmentIntervalMilliseconds = bounded(
            "group.consumer.assignment.interval.ms", "group.consumer.min.assignment.interval.ms",
            "group.consumer.max.assignment.interval.ms")
    }
}

extension ServerAssignor {
    /// By its name, or by the name of Kafka's class for it.
    init?(configured name: String) {
        switch name {
        case "uniform", "org.apache.kafka.coordinator.group.assignor.UniformAssignor": self = .uniform
        case "range", "org.apache.kafka.coordinator.group.assignor.RangeAssignor": self = .range
        default: return nil
        }
    }
}
