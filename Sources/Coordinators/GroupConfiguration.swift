/// The settings of the group coordinator, under the names of Kafka's configuration keys.
package struct GroupConfiguration: Hashable, Sendable {
    /// `group.min.session.timeout.ms`.
    package var sessionTimeoutMillisecondsMin: Int32 = 6_000
    /// `group.max.session.timeout.ms`.
    package var sessionTimeoutMillisecondsMax: Int32 = 1_800_000
    /// `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first generation.
    package var initialRebalanceDelayMilliseconds: Int64 = 3_000
    /// `group.max.size`.
    package var membersMax: Int = Int(Int32.max)
    /// `offset.metadata.max.bytes`; as in Kafka it counts the UTF-16 units of the text.
    package var offsetMetadataBytesMax: Int = 4_096
    /// `offsets.retention.minutes`, in milliseconds.
    package var offsetsRetentionMilliseconds: Int64 = 10_080 * 60_000
    /// `offsets.retention.check.interval.ms`.
    package var offsetsRetentionCheckIntervalMilliseconds: Int64 = 600_000
    /// `offsets.commit.timeout.ms`: how long a write may wait for its commitment before the client is told to try
    /// again.
    package var commitTimeoutMilliseconds: Int64 = 5_000
    /// `group.new.member.join.timeout.ms`: how long a member without an id of its own may wait in a rebalance.
    package var newMemberJoinTimeoutMilliseconds: Int64 = 300_000
    /// The most members that have been given an id and have not joined with it yet, in one group.
    package var pendingMembersMax: Int = 10_000
    /// The most protocols that one member may offer; a real client offers a handful.
    package var memberProtocolsMax: Int = 256
    /// The most bytes that a member may tell the leader, in all its protocols together. What it says in one of them is
    /// written down with its group, and a record of `__consumer_offsets` has no more than about 1 MiB.
    package var memberMetadataBytesMax: Int = 2 << 20
    /// The most groups that have not had a generation yet, in one partition: they are held in memory alone.
    package var newGroupsMax: Int = 20_000
    /// The longest `group.instance.id`, in bytes: Kafka's rule for its own clients.
    package var instanceIDBytesMax: Int = 249
    /// About how large a batch of tombstones may become; more are spread over several.
    package var tombstoneBatchBytesMax: Int = 256 << 10
    /// Offsets that one step of a check for old ones looks at; a check of many takes several steps, so that members are
    /// served between.
    package var offsetsCheckedAtOnceMax: Int = 20_000
    /// The most events of one group's timeline that are kept.
    package var timelineEventsMax: Int = 128
    /// The most events of the timelines of one partition's groups together; an event has some 300 bytes.
    package var timelineEventsOfShardMax: Int = 4_096
    /// The longest member id that a consumer may choose, in bytes.
    package var memberIDBytesMax: Int = 512
    /// Whether `group.coordinator.rebalance.protocols` has `consumer`.
    package var servesConsumerProtocol = true
    /// `group.consumer.max.size`.
    package var consumerMembersMax: Int = Int(Int32.max)
    /// `group.consumer.assignors`; the first one is that of members that ask for none.
    package var consumerAssignors: [ServerAssignor] = [.uniform, .range]
    /// `group.consumer.migration.policy`.
    package var migrationPolicy = GroupMigrationPolicy.bidirectional
    /// `group.consumer.regex.refresh.interval.ms`.
    package var expressionRefreshMilliseconds: Int64 = 600_000
    /// What holds for consumer groups without settings of their own.
    package var consumerLimits = ConsumerGroupLimits()

    package init() {}
}
