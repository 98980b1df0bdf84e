/// Keys that tune a part of Kafka that is made otherwise here, and keys that Kafka has dropped.
extension SettingTable {
    private static let onePool = Absence.design("each log directory has num.io.threads for all that may wait for it")
    private static let noPurgatory = Absence.design("what waits is kept with its partition and leaves no remains")
    private static let noLinger = Absence.design("what is decided in one turn of the loop is written at once")
    private static let metricsOnAsking = Absence.design("metrics are gathered when they are asked for")
    private static let adaptive = Absence.design("its own timers and limits stand in for it")

    static let madeOtherwise: [Setting] = [
        .ignored("background.threads", positive, "10", onePool, "Threads for work in the background."),
        .ignored("group.coordinator.threads", positive, "4", .design("groups run on the data loops"), "Its threads."),
        .ignored(
            "group.coordinator.background.threads", positive, "2", .design("groups run on the data loops"),
            "Threads for its heavier work."),
        .ignored(
            "group.consumer.assignor.offload.enable", .boolean, "true", .design("groups run on the data loops"),
            "Whether assignments are computed elsewhere."),
        .ignored("group.coordinator.append.linger.ms", anyInt, "-1", noLinger, "How long writes are gathered."),
        .ignored("group.coordinator.cached.buffer.max.bytes", positive, "1048588", noLinger, "Memory kept for writes."),
        .ignored("controller.quorum.append.linger.ms", count, "25", noLinger, "How long records are gathered."),
        .ignored(
            "controller.quorum.election.backoff.max.ms", count, "1000",
            .design("the wait for another try is drawn from one to two election timeouts"),
            "The longest wait after a lost election."),
        .ignored(
            "offsets.load.buffer.size", positive, "5242880", .design("offsets are loaded in chunks of a fixed size"),
            "Bytes that a loading coordinator reads at once."),
        .ignored(
            "offsets.topic.compression.codec", anyInt, "0", .design("committed offsets are stored uncompressed"),
            "The codec of committed offsets."),
        .ignored("fetch.purgatory.purge.interval.requests", anyInt, "1000", noPurgatory, "How often it is tidied."),
        .ignored("producer.purgatory.purge.interval.requests", anyInt, "1000", noPurgatory, "How often it is tidied."),
        .ignored(
            "delete.records.purgatory.purge.interval.requests", anyInt, "1", noPurgatory, "How often it is tidied."),
        .ignored(
            "queued.max.requests", positive, "500", .design("each connection has limits of its own"),
            "Requests that wait at most."),
        .ignored("controlled.shutdown.max.retries", anyInt, "3", adaptive, "Tries of an orderly leave."),
        .ignored("controlled.shutdown.retry.backoff.ms", anyInteger, "5000", adaptive, "The pause between them."),
        .ignored("controller.socket.timeout.ms", anyInt, "30000", adaptive, "How long the controller may take."),
        .ignored("request.timeout.ms", count, "30000", adaptive, "How long a request to another node may take."),
        .ignored("socket.connection.setup.timeout.ms", notNegative, "10000", adaptive, "How long connecting may take."),
        .ignored("socket.connection.setup.timeout.max.ms", notNegative, "30000", adaptive, "The longest such wait."),
        .ignored(
            "unclean.leader.election.interval.ms", wholeMilliseconds, "300000",
            .design("an election that is allowed happens at once"), "How often leaderless partitions are looked for."),
        .ignored(
            "log.dir.failure.timeout.ms", wholeMilliseconds, "30000",
            .design("a failed directory is told to the controller with the next heartbeat"),
            "How long a failure may stay untold."),
        .ignored(
            "log.initial.task.delay.ms", notNegative, "30000", .design("upkeep begins one interval after the start"),
            "When upkeep begins."),
        .ignored(
            "log.flush.start.offset.checkpoint.interval.ms", count, "60000",
            .design("log starts are written together with recovery points"), "How often log starts are written."),
        .ignored("log.preallocate", .boolean, "false", .design("files grow as they are written"), "", .clusterWide),
        .ignored(
            "early.start.listeners", .list, nil, .design("every listener opens when the node can serve it"),
            "Listeners that open before the rest."),
        .ignored("metadata.log.segment.min.bytes", positive, "8388608", adaptive, "The smallest segment there."),
        .ignored(
            "metadata.log.segment.ms", anyInteger, "604800000", .design("its segments are closed by size"),
            "The age at which one is closed."),
        .ignored(
            "metadata.max.retention.bytes", anyInteger, "104857600", .design("what a snapshot covers is removed"),
            "How much of the metadata log stays."),
        .ignored(
            "metadata.max.retention.ms", anyInteger, "604800000", .design("what a snapshot covers is removed"),
            "How long it stays."),
        .ignored("metric.reporters", .list, "", .javaClass, "Classes that report metrics.", .clusterWide),
        .ignored("kafka.metrics.reporters", .list, "", .javaClass, "The same for another kind of metrics."),
        .ignored("kafka.metrics.polling.interval.secs", positive, "10", metricsOnAsking, "How often they look."),
        .ignored("metrics.num.samples", positive, "2", metricsOnAsking, "Samples of a rate."),
        .ignored("metrics.sample.window.ms", notNegative, "30000", metricsOnAsking, "The length of one."),
        .ignored("metrics.recording.level", .string, "INFO", metricsOnAsking, "How fine metrics are."),
        .ignored(
            "unstable.api.versions.enable", .boolean, "false", .design("only finished versions are built"), "For tests."
        ),
        .ignored(
            "unstable.feature.versions.enable", .boolean, "false", .design("only finished features are built"),
            "For tests."),
        .refused(
            "create.topic.policy.class.name", .className, nil, .javaClass,
            "The class that must approve of new topics."),
        .refused(
            "alter.config.policy.class.name", .className, nil, .javaClass,
            "The class that must approve of configuration changes."),
        .refused(
            "config.providers", .list, "",
            .design("values are taken as they stand; write them out, or let the environment fill them in"),
            "Where values of the form ${…} come from."),
    ]

    private static func gone(_ since: String, _ instead: String) -> Absence {
        .droppedByKafka("Kafka has dropped it in \(since): \(instead)")
    }

    static let dropped: [Setting] = [
        .refused("zookeeper.connect", .string, nil, .zooKeeper, "Where ZooKeeper is."),
        .refused(
            "zookeeper.metadata.migration.enable", .boolean, "false", .zooKeeper, "Whether metadata leaves ZooKeeper.",
            harmless: ["false"]),
        .ignored("zookeeper.connection.timeout.ms", anyInt, nil, .zooKeeper, ""),
        .ignored("zookeeper.session.timeout.ms", anyInt, nil, .zooKeeper, ""),
        .ignored("zookeeper.max.in.flight.requests", anyInt, nil, .zooKeeper, ""),
        .ignored("zookeeper.metadata.migration.min.batch.size", anyInt, nil, .zooKeeper, ""),
        .ignored("zookeeper.set.acl", .boolean, nil, .zooKeeper, ""),
        .ignored("broker.id.generation.enable", .boolean, nil, gone("4.0", "give node.id"), ""),
        .ignored("reserved.broker.max.id", count, nil, gone("4.0", "give node.id"), ""),
        .ignored("control.plane.listener.name", .string, nil, gone("4.0", "controllers have their own listener"), ""),
        .ignored(
            "inter.broker.protocol.version", .string, nil, gone("4.0", "the finalized metadata.version says it"), ""),
        .ignored(
            "log.message.format.version", .string, nil, gone("4.0", "records have one format"), "",
            .clusterWide),
        .ignored("log.message.downconversion.enable", .boolean, nil, gone("4.0", "old formats are not served"), ""),
        .ignored(
            "log.message.timestamp.difference.max.ms", notNegative, nil,
            gone("4.0", "give log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms"), ""),
        .ignored(
            "leader.imbalance.per.broker.percentage", anyInt, nil, gone("4.0", "all that can return do"), ""),
        .ignored("group.coordinator.new.enable", .boolean, nil, gone("4.0", "there is one group coordinator"), ""),
        .ignored("auto.include.jmx.reporter", .boolean, nil, gone("4.0", "there is no JMX"), ""),
        .ignored(
            "eligible.leader.replicas.enable", .boolean, nil,
            gone("4.0", "the feature eligible.leader.replicas.version says it"), ""),
        .ignored("password.encoder.secret", .password, nil, gone("4.0", "there is no ZooKeeper to hide it from"), ""),
        .ignored("delegation.token.master.key", .password, nil, gone("4.0", "it is delegation.token.secret.key"), ""),
        .ignored("host.name", .string, nil, gone("3.0", "give listeners"), ""),
        .ignored("port", anyInt, nil, gone("3.0", "give listeners"), ""),
        .ignored("advertised.host.name", .string, nil, gone("3.0", "give advertised.listeners"), ""),
        .ignored("advertised.port", anyInt, nil, gone("3.0", "give advertised.listeners"), ""),
        .ignored("quota.producer.default", anyInteger, nil, gone("3.0", "set quotas at run time"), ""),
        .ignored("quota.consumer.default", anyInteger, nil, gone("3.0", "set quotas at run time"), ""),
    ]
}
