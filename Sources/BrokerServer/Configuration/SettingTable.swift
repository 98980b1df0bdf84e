import World

/// Every key that is known, in the order of the documentation: those that act, by subject, then those that do not.
package enum SettingTable {
    static let anyInteger = Setting.Kind.integer(Int64.min...Int64.max)
    static let anyInt = Setting.Kind.integer(Int64(Int32.min)...Int64(Int32.max))
    static let positive = Setting.Kind.integer(1...Int64(Int32.max))
    static let count = Setting.Kind.integer(0...Int64(Int32.max))
    static let positiveShort = Setting.Kind.integer(1...Int64(Int16.max))
    static let notNegative = Setting.Kind.integer(0...Int64.max)
    static let wholeMilliseconds = Setting.Kind.integer(1...Int64.max)
    static let forever = "9223372036854775807"

    package static let node: [Setting] = [
        Setting("process.roles", .list, "broker,controller", "What this node acts as: `broker`, `controller` or both."),
        Setting("node.id", .integer(0...Int64(Int32.max)), nil, "The id of this node, unique in the cluster."),
        Setting(
            "broker.id", .integer(0...Int64(Int32.max)), nil, "An older name of `node.id`; the two must not differ."),
        Setting(
            "cluster.id", .string, nil, "The id of the cluster; needed only while the directories are unformatted."),
        Setting("log.dirs", .list, nil, "Directories of the partition logs; `log.dir` is used if not given."),
        Setting(
            "num.recovery.threads.per.data.dir", positive, "2",
            "How many logs of one directory are opened and recovered at a time."),
        Setting("log.dir", .string, "/tmp/kafka-logs", "The one directory of the partition logs."),
        Setting(
            "metadata.log.dir", .string, nil, "Directory of the metadata log; the first of `log.dirs` if not given."),
        Setting("broker.rack", .string, nil, "The rack of this broker, as told to clients and other nodes."),
        Setting(
            "server.max.startup.time.ms", wholeMilliseconds, forever,
            "How long a start may take before the node gives up."),
        Setting(
            "log.level", .string, "info",
            "The least level that is logged: trace, debug, info, warn, error, fatal or off. Changeable while the node "
                + "runs, as the level of the logger `root`."),
        Setting(
            "log.levels", .list, "",
            "Levels of single loggers, as logger=LEVEL; the names are Kafka's, and one covers all below its dots."),
        Setting("log.format", .string, "text", "How log lines look: `text` or `json`."),
    ]

    package static let network: [Setting] = [
        Setting(
            "admin.listener", .string, "",
            "Where metrics, health and readiness are served over HTTP: host:port, or :port for all addresses; nowhere "
                + "if empty. Nobody has to log in there."),
        Setting("listeners", .list, "PLAINTEXT://:9092", "Where this node listens: name, host, port."),
        Setting(
            "advertised.listeners", .list, nil, "What this node tells others to connect to; `listeners` if not given."),
        Setting(
            "outside.advertised.address", .string, nil,
            "What clients from outside of this node's networks are told to connect to: host:port. Needed where its "
                + "port is published under another name or number, as a container's is."),
        Setting(
            "inside.networks", .list, "",
            "The networks whose clients are told `advertised.listeners`: 172.18.0.0/16,…; with a `!` an address in "
                + "them that stands for outside, such as a gateway. In a container they are found by themselves."),
        Setting("listener.security.protocol.map", .list, nil, "The security protocol of each listener name."),
        Setting("inter.broker.listener.name", .string, nil, "The listener that brokers use among themselves."),
        Setting("security.inter.broker.protocol", .string, "PLAINTEXT", "The same, by security protocol."),
        Setting("controller.listener.names", .list, "CONTROLLER", "The listeners of the controller role."),
        Setting(
            "socket.request.max.bytes", .integer(1...Int64(Int32.max)), "104857600",
            "The largest request that is accepted."),
        Setting("max.connections", positive, "10000", "How many connections are open at most.", .clusterWide),
        Setting(
            "max.connections.per.ip", positive, "1000", "How many of them may come from one address.", .clusterWide),
        Setting(
            "max.connections.per.ip.overrides", .string, "",
            "The same for certain addresses: `10.0.0.7:5000,10.0.0.8:20`.", .clusterWide),
        Setting(
            "max.connection.creation.rate", positive, "500",
            "How many connections a second are served at once; those above wait up to 5 s, then are refused. For one "
                + "listener: `listener.name.<listener>.max.connection.creation.rate`, and so `.max.connections`.",
            .clusterWide),
        Setting(
            "queued.max.request.bytes", .integer(-1...Int64.max), nil,
            "Memory that clients may make this node hold: requests that are being read, wait or are unanswered, and "
                + "answers that are not taken. Above it nothing more is read. A quarter of the machine's memory if not "
                + "given; -1 sets no bound."),
        Setting("connections.max.idle.ms", wholeMilliseconds, "600000", "After how long an idle connection is closed."),
        Setting(
            "socket.send.buffer.bytes", .integer(-1...Int64(Int32.max)), "-1",
            "The socket buffer for what goes; -1 leaves it to the system."),
        Setting(
            "socket.receive.buffer.bytes", .integer(-1...Int64(Int32.max)), "-1",
            "The socket buffer for what comes; -1 leaves it to the system."),
        Setting("socket.listen.backlog.size", positive, "1024", "How many connections may wait to be accepted."),
        Setting("max.request.partition.size.limit", positive, "2000", "Partitions in one answer of a description."),
        Setting(
            "num.network.threads", .integer(1...Int64(LoopGroup.countMax)), nil,
            "How many data loops get connections; one for each two cores if not given.", .clusterWide),
        Setting(
            "num.io.threads", .integer(1...1_024), "8",
            "How many threads do what may wait for a disk: so many for each log directory, and for all else.",
            .clusterWide),
    ]

    package static let quorum: [Setting] = [
        Setting("controller.quorum.voters", .list, "", "The static voters: id@host:port."),
        Setting(
            "controller.quorum.bootstrap.servers", .list, "",
            "Where a node asks for the quorum's leader: host:port. The voters stand in the metadata log."),
        Setting(
            "controller.quorum.auto.join.enable", .boolean, "false",
            "Whether a controller without a vote asks for one when it has caught up."),
        Setting(
            "controller.quorum.election.timeout.ms", positive, "300",
            "The shortest wait for votes before the next try; the longest is twice that."),
        Setting(
            "controller.quorum.fetch.timeout.ms", positive, "600",
            "How long a voter hears nothing of its leader before it stands, a leader of its majority before it resigns."
        ),
        Setting(
            "controller.quorum.request.timeout.ms", positive, "1000", "How long a quorum request may take."),
        Setting("controller.quorum.retry.backoff.ms", count, "20", "How long to wait before asking again."),
        Setting(
            "controller.quorum.fetch.max.bytes", positive, "8388608",
            "Bytes that a fetch of the metadata log may bring."),
        Setting(
            "controller.quorum.fetch.snapshot.max.bytes", positive, "8388608",
            "Bytes that a fetch of a snapshot may bring."),
        Setting(
            "metadata.log.max.record.bytes.between.snapshots", positive, "20971520",
            "How many bytes of metadata are written before the next snapshot."),
        Setting(
            "metadata.log.max.snapshot.interval.ms", notNegative, "3600000",
            "How long after a snapshot the next is written, if anything changed."),
        Setting(
            "metadata.max.idle.interval.ms", count, "500", "How often an idle controller writes a record."),
        Setting("metadata.log.segment.bytes", positive, "1073741824", "The size of a segment of the metadata log."),
        Setting(
            "broker.heartbeat.interval.ms", positive, "100", "How often a broker tells the controller that it lives."),
        Setting(
            "broker.session.timeout.ms", positive, "3000",
            "After how long a silent broker is fenced, whatever the cause."),
        Setting(
            "auto.leader.rebalance.enable", .boolean, "true",
            "Whether leaderships return by themselves to the first replica of each partition."),
        Setting(
            "leader.imbalance.check.interval.seconds", .integer(1...Int64.max / 1_000), "300",
            "How often the controller looks for leaderships to return."),
        Setting(
            "initial.broker.registration.timeout.ms", positive, "60000",
            "How long a starting broker tries to register before it gives up."),
        Setting("controlled.shutdown.enable", .boolean, "true", "Whether SIGTERM hands leadership over first."),
    ]

    package static let topics: [Setting] = [
        Setting("num.partitions", positive, "1", "Partitions of a topic that is created without a number."),
        Setting("default.replication.factor", .integer(1...Int64(Int16.max)), "1", "Replicas of such a topic."),
        Setting("auto.create.topics.enable", .boolean, "true", "Whether asking for an unknown topic creates it."),
        Setting("delete.topic.enable", .boolean, "true", "Whether topics can be deleted."),
        Setting(
            "unclean.leader.election.enable", .boolean, "false", "Whether a replica that is not in sync may lead.",
            .clusterOnly),
        Setting("min.insync.replicas", positive, "1", "How many replicas must be in sync for acks=all.", .clusterWide),
        Setting("message.max.bytes", count, "1048588", "The largest record batch.", .clusterWide),
        Setting(
            "compression.type", .choice(["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), "producer",
            "The codec of stored batches; `producer` keeps what came.", .clusterWide),
        Setting(
            "compression.gzip.level", .integer(-1...9), "-1", "The level of gzip; -1 is its default.", .clusterWide),
        Setting("compression.lz4.level", .integer(1...17), "9", "The level of lz4.", .clusterWide),
        Setting("compression.zstd.level", .integer(-131_072...22), "3", "The level of zstd.", .clusterWide),
        Setting(
            "log.dir.reserved.bytes", notNegative, "268435456",
            "Free space of a log directory's disk, a twentieth of it at most, below which no records are taken.",
            .clusterWide),
        Setting(
            "log.scrub.io.max.bytes.per.second", notNegative, "8388608",
            "What may be read of all logs in a second to find damage before somebody reads it; 0 for not at all.",
            .clusterWide),
        Setting(
            "log.scrub.interval.ms", positive, "86400000",
            "How often all logs are read again, and the wait before that is done first.", .clusterWide),
        Setting(
            "log.flush.on.ack", .boolean, "true", "Whether a replica counts only what it has flushed to its disk.",
            .clusterWide),
        Setting(
            "log.segment.bytes", .integer(1024...Int64(Int32.max)), "1073741824",
            "The size at which a segment is closed.", .clusterWide),
        Setting("log.roll.hours", positive, "168", "The age at which a segment is closed."),
        Setting("log.roll.ms", wholeMilliseconds, nil, "The same in milliseconds; goes before hours.", .clusterWide),
        Setting(
            "log.roll.jitter.hours", count, "0", "What is taken off the age at which a segment is closed, at most."),
        Setting(
            "log.roll.jitter.ms", notNegative, nil, "The same in milliseconds; goes before hours.", .clusterWide),
        Setting("log.retention.hours", anyInt, "168", "The age at which a closed segment is deleted; -1 never."),
        Setting("log.retention.minutes", anyInt, nil, "The same in minutes; goes before hours."),
        Setting("log.retention.ms", anyInteger, nil, "The same in milliseconds; goes before minutes.", .clusterWide),
        Setting(
            "log.retention.bytes", anyInteger, "-1", "The size of a partition above which old segments are deleted.",
            .clusterWide),
        Setting("log.retention.check.interval.ms", wholeMilliseconds, "300000", "How often that is looked at."),
        Setting(
            "log.cleanup.policy", .list, "delete", "What happens to old segments: delete, compact, both, or nothing.",
            .clusterWide),
        Setting("log.index.interval.bytes", count, "4096", "Bytes of log for each index entry.", .clusterWide),
        Setting(
            "log.index.size.max.bytes", .integer(4...Int64(Int32.max)), "10485760", "The largest offset index.",
            .clusterWide),
        Setting(
            "log.segment.delete.delay.ms", notNegative, "60000", "How long a deleted segment stays on the disk.",
            .clusterWide),
        Setting(
            "log.message.timestamp.type", .choice(["CreateTime", "LogAppendTime"]), "CreateTime",
            "Whose clock stamps records.", .clusterWide),
        Setting(
            "log.message.timestamp.before.max.ms", notNegative, "9223372036854775807",
            "How old a record may claim to be.", .clusterWide),
        Setting(
            "log.message.timestamp.after.max.ms", notNegative, "3600000", "How far ahead a record may be.", .clusterWide
        ),
        Setting(
            "log.flush.interval.messages", wholeMilliseconds, forever,
            "Records that may lie unflushed, where a log is not flushed on acknowledgement.", .clusterWide),
        Setting("log.flush.interval.ms", notNegative, nil, "How long they may.", .clusterWide),
        Setting(
            "log.flush.scheduler.interval.ms", wholeMilliseconds, forever,
            "How often that is looked at, if less than a second; also the default of `log.flush.interval.ms`."),
        Setting(
            "log.flush.offset.checkpoint.interval.ms", count, "60000", "How often recovery points are written."),
    ]

    package static let replication: [Setting] = [
        Setting(
            "replica.lag.time.max.ms", wholeMilliseconds, "30000",
            "How long a replica may lag before it leaves the ISR."),
        Setting(
            "num.replica.fetchers", positive, "1", "How many fetchers share the partitions of one leader.", .clusterWide
        ),
        Setting(
            "replica.socket.receive.buffer.bytes", .integer(-1...Int64(Int32.max)), "-1",
            "The socket buffer of a node's own connections; -1 leaves it to the system."),
        Setting(
            "replica.fetch.max.bytes", count, "1048576", "Bytes that a follower asks for, for each partition."),
        Setting("replica.fetch.response.max.bytes", count, "10485760", "Bytes that a follower asks for in all."),
        Setting("replica.fetch.wait.max.ms", positive, "500", "How long a follower's fetch waits for data."),
        Setting(
            "replica.socket.timeout.ms", positive, "2000",
            "How long a leader may take to answer a follower before the connection is given up; at least half a second "
                + "more than `replica.fetch.wait.max.ms`."),
        Setting(
            "replica.fetch.late.ms", positive, "300",
            "A leader whose answer to a fetch is late by so much, and a controller that does not answer for so long, "
                + "is asked for a sign of life; the active controller is told when none comes."),
        Setting("replica.fetch.min.bytes", count, "1", "Bytes that end this wait."),
        Setting("replica.fetch.backoff.ms", count, "1000", "How long a follower waits after an error at most."),
        Setting(
            "replica.high.watermark.checkpoint.interval.ms", positive, "5000", "How often high watermarks are saved."),
        Setting(
            "replica.selector.class", .className, nil,
            "From which replica consumers read: org.apache.kafka.common.replica.RackAwareReplicaSelector for one in "
                + "their rack; the leader if not given."),
        Setting("fetch.max.bytes", .integer(1024...Int64(Int32.max)), "57671680", "The largest answer to a fetch."),
        Setting("max.incremental.fetch.session.cache.slots", count, "1000", "How many fetch sessions are kept."),
        Setting(
            "leader.replication.throttled.rate", notNegative, forever,
            "Bytes a second that this broker's leaders send to throttled replicas.", .clusterWide),
        Setting(
            "follower.replication.throttled.rate", notNegative, forever,
            "Bytes a second that this broker's followers fetch for throttled replicas.", .clusterWide),
        Setting(
            "replication.quota.window.num", positive, "11", "Windows that a replication throttle looks back on."),
        Setting("replication.quota.window.size.seconds", positive, "1", "The length of one of them."),
        Setting(
            "replica.alter.log.dirs.io.max.bytes.per.second", notNegative, forever,
            "Bytes a second that moves of replicas between this broker's log directories take in all.", .clusterWide),
        Setting(
            "alter.log.dirs.replication.quota.window.num", positive, "11", "Windows that this throttle looks back on."),
        Setting("alter.log.dirs.replication.quota.window.size.seconds", positive, "1", "The length of one of them."),
        Setting(
            "num.replica.alter.log.dirs.threads", positive, nil,
            "Threads of moves between log directories, for all of them; one for each directory if not given."),
    ]

    package static let groups: [Setting] = [
        Setting(
            "group.initial.rebalance.delay.ms", count, "3000", "How long an empty group waits for more members."),
        Setting("group.min.session.timeout.ms", count, "6000", "The shortest session that a member may ask for."),
        Setting("group.max.session.timeout.ms", count, "1800000", "The longest one."),
        Setting("group.max.size", positive, "2147483647", "How many members a group may have."),
        Setting("offset.metadata.max.bytes", count, "4096", "The largest text stored with a committed offset."),
        Setting("offsets.topic.num.partitions", positive, "50", "Partitions of `__consumer_offsets`."),
        Setting("offsets.topic.replication.factor", .integer(1...Int64(Int16.max)), "3", "Its replicas."),
        Setting("offsets.topic.segment.bytes", positive, "104857600", "Its segment size."),
        Setting("offsets.retention.minutes", positive, "10080", "How long offsets of an empty group are kept."),
        Setting("offsets.retention.check.interval.ms", wholeMilliseconds, "600000", "How often that is looked at."),
        Setting("offsets.commit.timeout.ms", positive, "5000", "How long a commit may wait for its replicas."),
    ]

    /// What acts, by subject.
    package static let acting: [Setting] =
        node + network + quorum + detection + topics + cleaner + replication + groups + consumerGroups + transactions

    /// What is known and does not act.
    package static let idle: [Setting] =
        unbuiltParts + unbuiltGroups + tieredStorage + madeOtherwise + dropped + security

    package static let all: [Setting] = acting + idle

    /// Keys that can be given for one listener as well.
    private static let ofListeners: Set<String> = ["max.connections", "max.connection.creation.rate"]

    /// The setting of a key, which may be one of a listener: `listener.name.<listener>.max.connections`.
    package static func setting(for key: String) -> Setting? {
        let prefix = "listener.name."
        guard key.hasPrefix(prefix) else { return byName[key] }
        let rest = key.dropFirst(prefix.count)
        guard let dot = rest.firstIndex(of: ".") else { return nil }
        let name = String(rest[rest.index(after: dot)...])
        return ofListeners.contains(name) ? byName[name] : nil
    }

    /// By name.
    package static let byName: [String: Setting] = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
