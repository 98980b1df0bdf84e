/// Keys of parts that are not built yet.
extension SettingTable {
    private static let megabyte = "1048576"
    private static let loadBuffer = "5242880"

    static let unbuiltParts: [Setting] = [
        .ignored(
            "cordoned.log.dirs", .list, "", .design("cordoning of log directories is not built yet"),
            "Directories that take no new replicas.", .perBroker),
        .ignored("quota.window.num", positive, "11", .quotas, "Samples that a client quota looks back on."),
        .ignored("quota.window.size.seconds", positive, "1", .quotas, "The length of one of them."),
        .ignored("controller.quota.window.num", positive, "11", .quotas, "The same for changes of metadata."),
        .ignored("controller.quota.window.size.seconds", positive, "1", .quotas, "The length of one of them."),
        .ignored("producer_byte_rate", notNegative, forever, .quotas, "Bytes a second that a client may write."),
        .ignored("consumer_byte_rate", notNegative, forever, .quotas, "Bytes a second that a client may read."),
        .ignored(
            "request_percentage", .double(0...(.greatestFiniteMagnitude)), "2.147483647E9", .quotas,
            "Time of the server that a client may take."),
        .ignored(
            "controller_mutation_rate", .double(0...(.greatestFiniteMagnitude)), "2.147483647E9", .quotas,
            "Partitions a second that a client may create or delete."),
        .ignored(
            "connection_creation_rate", count, "2147483647", .quotas, "Connections a second from an address."),
        .ignored("client.quota.callback.class", .className, nil, .quotas, "The class that decides on quotas."),
        .ignored("telemetry.max.bytes", positive, megabyte, .clientTelemetry, "The largest push of client metrics."),
        .ignored(
            "transaction.two.phase.commit.enable", .boolean, "false", .twoPhaseCommit,
            "Whether a transaction may wait for an outer coordinator."),
        .ignored(
            "transaction.state.log.load.buffer.size", positive, loadBuffer,
            .design("a coordinator's partition is loaded in pieces of 1 MiB"), "Bytes read at once."),
    ]

    static let unbuiltGroups: [Setting] =
        groupTimes("share", .shareGroups) + groupTimes("streams", .streamsGroups) + shareGroups + streamsGroups

    private static func groupTimes(_ kind: String, _ absence: Absence) -> [Setting] {
        [
            .ignored("group.\(kind).session.timeout.ms", positive, "45000", absence, "The session of a member."),
            .ignored("group.\(kind).min.session.timeout.ms", positive, "45000", absence, "The shortest session."),
            .ignored("group.\(kind).max.session.timeout.ms", positive, "60000", absence, "The longest session."),
            .ignored("group.\(kind).heartbeat.interval.ms", positive, "5000", absence, "The pace of heartbeats."),
            .ignored("group.\(kind).min.heartbeat.interval.ms", positive, "5000", absence, "The quickest pace."),
            .ignored("group.\(kind).max.heartbeat.interval.ms", positive, "15000", absence, "The slowest pace."),
            .ignored(
                "group.\(kind).assignment.interval.ms", count, "1000", absence,
                "The least time between two computations of an assignment."),
            .ignored("group.\(kind).min.assignment.interval.ms", count, "0", absence, "The least such time."),
            .ignored("group.\(kind).max.assignment.interval.ms", count, "15000", absence, "The most of it."),
            .ignored(
                "group.\(kind).assignor.offload.enable", .boolean, "true", absence,
                "Whether assignments are computed off the coordinator's thread."),
        ]
    }

    private static let shareGroups: [Setting] = [
        .ignored("group.share.enable", .boolean, "false", .shareGroups, "Whether share groups are served."),
        .ignored("group.share.assignors", .list, "simple", .shareGroups, "Assignors of share groups."),
        .ignored(
            "group.share.delivery.count.limit", .integer(2...10), "5", .shareGroups, "Deliveries of a record at most."),
        .ignored(
            "group.share.min.delivery.count.limit", .integer(2...10), "2", .shareGroups, "The least such limit."),
        .ignored(
            "group.share.max.delivery.count.limit", .integer(2...25), "10", .shareGroups, "The greatest such limit."),
        .ignored(
            "group.share.record.lock.duration.ms", .integer(1_000...3_600_000), "30000", .shareGroups,
            "How long a record is lent to a member."),
        .ignored(
            "group.share.min.record.lock.duration.ms", .integer(1_000...30_000), "15000", .shareGroups, "The least."),
        .ignored(
            "group.share.max.record.lock.duration.ms", .integer(30_000...3_600_000), "60000", .shareGroups, "Most."),
        .ignored(
            "group.share.partition.max.record.locks", .integer(100...10_000), "2000", .shareGroups,
            "Records of a partition that are lent at a time."),
        .ignored(
            "group.share.min.partition.max.record.locks", .integer(100...2_000), "100", .shareGroups, "The least."),
        .ignored(
            "group.share.max.partition.max.record.locks", .integer(2_000...10_000), "4000", .shareGroups, "The most."),
        .ignored("group.share.max.groups", .integer(1...100), "10", .shareGroups, "Share groups at most."),
        .ignored("group.share.max.size", .integer(10...1_000), "200", .shareGroups, "Members of one at most."),
        .ignored("group.share.max.share.sessions", positive, "2000", .shareGroups, "Share sessions of a broker."),
        .ignored(
            "group.share.initialize.retry.interval.ms", positive, "30000", .shareGroups,
            "The pause before a group's state is initialized again."),
        .ignored(
            "group.share.persister.class.name", .className,
            "org.apache.kafka.server.share.persister.DefaultStatePersister", .shareGroups,
            "The class that keeps the state of share groups."),
        .ignored("share.fetch.max.fetch.records", positive, "2147483647", .shareGroups, "Records of one fetch."),
        .ignored(
            "share.fetch.purgatory.purge.interval.requests", anyInt, "1000", .shareGroups, "How often it is tidied."),
        .ignored("share.coordinator.threads", positive, "1", .shareGroups, "Threads of the share coordinator."),
        .ignored("share.coordinator.append.linger.ms", anyInt, "-1", .shareGroups, "How long writes are gathered."),
        .ignored("share.coordinator.write.timeout.ms", positive, "5000", .shareGroups, "How long a write may take."),
        .ignored("share.coordinator.load.buffer.size", positive, loadBuffer, .shareGroups, "Bytes read at once."),
        .ignored(
            "share.coordinator.cached.buffer.max.bytes", positive, "1048588", .shareGroups, "Memory kept for writes."),
        .ignored(
            "share.coordinator.snapshot.update.records.per.snapshot", count, "500", .shareGroups,
            "Changes between two snapshots of a group's state."),
        .ignored(
            "share.coordinator.cold.partition.snapshot.interval.ms", wholeMilliseconds, "300000", .shareGroups,
            "How often state that does not change is written again."),
        .ignored(
            "share.coordinator.state.topic.num.partitions", positive, "50", .shareGroups, "Partitions of its topic."),
        .ignored(
            "share.coordinator.state.topic.replication.factor", positiveShort, "3", .shareGroups, "Its replicas."),
        .ignored(
            "share.coordinator.state.topic.min.isr", positiveShort, "2", .shareGroups, "Its `min.insync.replicas`."),
        .ignored(
            "share.coordinator.state.topic.segment.bytes", positive, "104857600", .shareGroups, "Its segment size."),
        .ignored(
            "share.coordinator.state.topic.prune.interval.ms", positive, "300000", .shareGroups,
            "How often it is shortened."),
        .ignored("share.coordinator.state.topic.compression.codec", anyInt, "0", .shareGroups, "Its codec."),
    ]

    private static let streamsGroups: [Setting] = [
        .ignored("group.streams.max.size", positive, "2147483647", .streamsGroups, "Members of a group at most."),
        .ignored("group.streams.num.standby.replicas", count, "0", .streamsGroups, "Standby tasks of each task."),
        .ignored("group.streams.max.standby.replicas", count, "2", .streamsGroups, "The most of them."),
        .ignored(
            "group.streams.initial.rebalance.delay.ms", count, "3000", .streamsGroups,
            "How long an empty group waits for more members."),
    ]

    static let tieredStorage: [Setting] = [
        .refused(
            "remote.log.storage.system.enable", .boolean, "false", .tieredStorage,
            "Whether old segments move to a remote store.", harmless: ["false"]),
        .tiered(
            "log.local.retention.ms", .integer(-2...Int64.max), "-2", "How long tiered data stays here.", .clusterWide),
        .tiered(
            "log.local.retention.bytes", .integer(-2...Int64.max), "-2", "How much of it stays here.", .clusterWide),
        .tiered(
            "follower.fetch.last.tiered.offset.enable", .boolean, "false", "A new follower's start.", .clusterWide),
        .tiered("remote.fetch.max.wait.ms", positive, "500", "How long a remote read may take.", .clusterWide),
        .tiered(
            "remote.list.offsets.request.timeout.ms", wholeMilliseconds, "30000", "For offsets.", .clusterWide),
        .tiered(
            "remote.log.index.file.cache.total.size.bytes", wholeMilliseconds, "1073741824", "Room for remote indexes.",
            .clusterWide),
        .tiered("remote.log.index.file.cache.ttl.ms", wholeMilliseconds, "900000", "How long they stay."),
        .tiered("remote.log.manager.thread.pool.size", positive, "2", "Threads of tiering."),
        .tiered("remote.log.manager.copier.thread.pool.size", anyInt, "10", "Threads that copy.", .clusterWide),
        .tiered("remote.log.manager.expiration.thread.pool.size", anyInt, "10", "Threads that delete.", .clusterWide),
        .tiered("remote.log.manager.follower.thread.pool.size", anyInt, "2", "Threads of followers.", .clusterWide),
        .tiered(
            "remote.log.manager.copy.max.bytes.per.second", wholeMilliseconds, forever, "The pace out.", .clusterWide),
        .tiered("remote.log.manager.copy.quota.window.num", positive, "11", "Samples of that."),
        .tiered("remote.log.manager.copy.quota.window.size.seconds", positive, "1", "The length of one."),
        .tiered(
            "remote.log.manager.fetch.max.bytes.per.second", wholeMilliseconds, forever, "The pace in.", .clusterWide),
        .tiered("remote.log.manager.fetch.quota.window.num", positive, "11", "Samples of that."),
        .tiered("remote.log.manager.fetch.quota.window.size.seconds", positive, "1", "The length of one."),
        .tiered("remote.log.manager.task.interval.ms", wholeMilliseconds, "30000", "How often tiering looks for work."),
        .tiered("remote.log.manager.task.retry.backoff.ms", wholeMilliseconds, "500", "The pause after an error."),
        .tiered("remote.log.manager.task.retry.backoff.max.ms", wholeMilliseconds, "30000", "The longest one."),
        .tiered("remote.log.manager.task.retry.jitter", .double(0...0.5), "0.2", "Chance in these pauses."),
        .tiered("remote.log.metadata.custom.metadata.max.bytes", count, "128", "Metadata of a store's own."),
        .tiered(
            "remote.log.metadata.manager.class.name", .className,
            "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
            "The class that keeps metadata of remote segments."),
        .tiered("remote.log.metadata.manager.class.path", .string, nil, "Where that class is."),
        .tiered("remote.log.metadata.manager.impl.prefix", .string, "rlmm.config.", "The prefix of its keys."),
        .tiered("remote.log.metadata.manager.listener.name", .string, nil, "The listener it uses."),
        .tiered("remote.log.storage.manager.class.name", .className, nil, "The class of the remote store."),
        .tiered("remote.log.storage.manager.class.path", .string, nil, "Where that class is."),
        .tiered("remote.log.storage.manager.impl.prefix", .string, "rsm.config.", "The prefix of its keys."),
        .tiered("remote.log.reader.threads", positive, "10", "Threads that read.", .clusterWide),
        .tiered("remote.log.reader.max.pending.tasks", positive, "100", "Reads that wait at most."),
    ]
}

extension Setting {
    fileprivate static func tiered(
        _ name: String, _ kind: Kind, _ defaultValue: String?, _ meaning: String, _ change: Change = .readOnly
    ) -> Setting {
        .ignored(name, kind, defaultValue, .tieredStorage, meaning, change)
    }
}
