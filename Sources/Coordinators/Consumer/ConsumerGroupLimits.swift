/// The settings of a consumer group that each group may have its own of.
package struct ConsumerGroupLimits: Hashable, Sendable {
    /// `group.consumer.session.timeout.ms`, `consumer.session.timeout.ms`.
    package var sessionTimeoutMilliseconds: Int64 = 45_000
    /// `group.consumer.heartbeat.interval.ms`, `consumer.heartbeat.interval.ms`.
    package var heartbeatIntervalMilliseconds: Int32 = 5_000
    /// `group.consumer.assignment.interval.ms`, `consumer.assignment.interval.ms`: no target is computed sooner after
    /// the last one.
    package var assignmentIntervalMilliseconds: Int64 = 1_000

    package init() {}
}

/// Whether groups change their protocol while they work.
package enum GroupMigrationPolicy: String, CaseIterable, Hashable, Sendable {
    case disabled, upgrade, downgrade, bidirectional

    /// A classic group becomes a consumer group when a consumer joins it.
    var allowsUpgrade: Bool { self == .upgrade || self == .bidirectional }
    /// A consumer group becomes classic when only classic members are left.
    var allowsDowngrade: Bool { self == .downgrade || self == .bidirectional }
}
