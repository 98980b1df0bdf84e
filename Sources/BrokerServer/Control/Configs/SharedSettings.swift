/// Settings that every node of a cluster should have alike: a client must not meet another cluster at each broker.
package enum SharedSettings {
    private static let names = [
        "auto.create.topics.enable", "auto.leader.rebalance.enable", "broker.session.timeout.ms", "compression.type",
        "default.replication.factor", "delete.topic.enable", "group.initial.rebalance.delay.ms",
        "group.max.session.timeout.ms", "group.max.size", "group.min.session.timeout.ms", "log.cleanup.policy",
        "log.flush.on.ack", "log.message.timestamp.after.max.ms", "log.message.timestamp.before.max.ms",
        "log.message.timestamp.type", "log.retention.bytes", "log.retention.ms", "log.roll.ms", "log.segment.bytes",
        "message.max.bytes", "min.insync.replicas", "num.partitions", "offset.metadata.max.bytes",
        "offsets.retention.minutes", "offsets.topic.num.partitions", "offsets.topic.replication.factor",
        "replica.fetch.max.bytes", "replica.lag.time.max.ms", "socket.request.max.bytes",
        "transaction.max.timeout.ms", "transaction.state.log.num.partitions",
        "transaction.state.log.replication.factor", "transactional.id.expiration.ms",
        "unclean.leader.election.enable",
    ]

    /// What a node tells: its values that differ from the defaults, times in milliseconds.
    package static func told(of settings: Settings) -> [String: String] {
        var told: [String: String] = [:]
        for name in names {
            let value = value(name, in: settings)
            if value != defaultValue(name) { told[name] = value }
        }
        return told
    }

    /// The value of a key where it is not told.
    package static func defaultValue(_ name: String) -> String? {
        names.contains(name) ? value(name, in: Settings.defaults) : nil
    }

    private static func value(_ name: String, in settings: Settings) -> String? {
        SettingNames.inOrder(of: name).count > 1
            ? settings.milliseconds(name).map { "\($0)" } : settings.optionalString(name)
    }
}
