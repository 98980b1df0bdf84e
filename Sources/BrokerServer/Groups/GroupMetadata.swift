package import Coordinators
package import Metadata

/// What of the cluster's metadata the group coordinator goes by.
package struct GroupMetadata: Sendable {
    /// The feature that the consumer protocol belongs to, and the level from which on it is served.
    private static let feature = (name: "group.version", level: Int16(1))

    var topics = SubscribableTopics()
    /// The settings of groups that have their own.
    var ownLimits: [String: ConsumerGroupLimits] = [:]
    /// Whether the cluster has agreed on the consumer protocol.
    var isConsumerProtocolFinalized = false

    package init() {}

    /// The next one after a change.
    ///
    /// - Returns: nil where nothing changed that groups go by; else also the topics that did, nil for any.
    package func following(
        _ image: MetadataImage, _ delta: MetadataDelta, _ settings: GroupConfiguration
    ) -> (next: GroupMetadata, changed: Set<String>?)? {
        let changedNames = delta.changedTopics.compactMap { image.topics[$0]?.name } + delta.deletedTopics.map(\.name)
        let hasNewLimits = delta.changedConfigs.contains { $0.kind == .group }
        let hasNewRacks = !delta.changedBrokers.isEmpty
        guard !changedNames.isEmpty || hasNewLimits || hasNewRacks || delta.featuresChanged else { return nil }
        var next = self
        next.topics = SubscribableTopics(image)
        let level = image.features[GroupMetadata.feature.name] ?? 0
        next.isConsumerProtocolFinalized = level >= GroupMetadata.feature.level
        if hasNewLimits { next.ownLimits = GroupMetadata.limits(in: image.configs, settings.consumerLimits) }
        return (next, hasNewRacks ? nil : Set(changedNames))
    }

    private static func limits(
        in configs: ConfigsImage, _ common: ConsumerGroupLimits
    ) -> [String: ConsumerGroupLimits] {
        var limits: [String: ConsumerGroupLimits] = [:]
        for resource in configs.resources where resource.kind == .group {
            let given = configs[resource]
            func number(_ key: String) -> Int64? { given[key].flatMap { Int64($0) } }
            var own = common
            own.sessionTimeoutMilliseconds =
                number("consumer.session.timeout.ms") ?? common.sessionTimeoutMilliseconds
            own.heartbeatIntervalMilliseconds =
                number("consumer.heartbeat.interval.ms").map { Int32(clamping: $0) }
                ?? common.heartbeatIntervalMilliseconds
            own.assignmentIntervalMilliseconds =
                number("consumer.assignment.interval.ms") ?? common.assignmentIntervalMilliseconds
            limits[resource.name] = own
        }
        return limits
    }
}
