import Metadata
import Primitives

/// All configuration keys of topics, with Kafka 4.3's defaults and bounds, and `flush.on.ack` of our own.
package enum TopicConfigs {
    private static let anyLong = Int64(0)...Int64.max
    private static let unlimitedLong = Int64(-1)...Int64.max
    private static let forever = "9223372036854775807"

    package static let all: [TopicConfig] = [
        TopicConfig(
            "cleanup.policy", .list(of: ["delete", "compact"]), "delete", broker: "log.cleanup.policy",
            "What happens to old segments: they are deleted, compacted, or both."),
        TopicConfig(
            "compression.gzip.level", .int(-1...9), "-1", broker: "compression.gzip.level", "The level of gzip."),
        TopicConfig("compression.lz4.level", .int(1...17), "9", broker: "compression.lz4.level", "The level of lz4."),
        TopicConfig(
            "compression.type", .choice(["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), "producer",
            broker: "compression.type", "How batches are compressed; `producer` keeps what the producer chose."),
        TopicConfig(
            "compression.zstd.level", .int(-131072...22), "3", broker: "compression.zstd.level", "The level of zstd."),
        TopicConfig(
            "delete.retention.ms", .long(anyLong), "86400000", broker: "log.cleaner.delete.retention.ms",
            "How long tombstones of a compacted topic stay."),
        TopicConfig(
            "file.delete.delay.ms", .long(anyLong), "60000", broker: "log.segment.delete.delay.ms",
            "How long a deleted segment's file stays."),
        TopicConfig(
            "flush.messages", .long(1...Int64.max), forever, broker: "log.flush.interval.messages",
            "After how many records the log is flushed."),
        TopicConfig(
            "flush.ms", .long(anyLong), forever, broker: "log.flush.interval.ms", "How often the log is flushed."),
        TopicConfig(
            "flush.on.ack", .boolean, "true", broker: "log.flush.on.ack",
            "Whether a record counts as replicated only when it is on the replica's disk."),
        TopicConfig(
            "follower.replication.throttled.replicas", .replicaList, "", broker: nil,
            "The replicas whose replication is throttled on the follower's side."),
        TopicConfig(
            "index.interval.bytes", .int(0...Int32.max), "4096", broker: "log.index.interval.bytes",
            "How many bytes lie between two entries of the offset index."),
        TopicConfig(
            "leader.replication.throttled.replicas", .replicaList, "", broker: nil,
            "The replicas whose replication is throttled on the leader's side."),
        TopicConfig(
            "local.retention.bytes", .long(-2...Int64.max), "-2", broker: "log.local.retention.bytes",
            "What of a tiered partition is kept locally."),
        TopicConfig(
            "local.retention.ms", .long(-2...Int64.max), "-2", broker: "log.local.retention.ms",
            "How long a tiered partition's records are kept locally."),
        TopicConfig(
            "max.compaction.lag.ms", .long(1...Int64.max), forever, broker: "log.cleaner.max.compaction.lag.ms",
            "The longest time a record stays uncompacted."),
        TopicConfig(
            "max.message.bytes", .int(0...Int32.max), "1048588", broker: "message.max.bytes",
            "The largest record batch."),
        TopicConfig(
            "message.timestamp.after.max.ms", .long(anyLong), "3600000",
            broker: "log.message.timestamp.after.max.ms", "How far in the future a record's timestamp may be."),
        TopicConfig(
            "message.timestamp.before.max.ms", .long(anyLong), forever,
            broker: "log.message.timestamp.before.max.ms", "How far in the past a record's timestamp may be."),
        TopicConfig(
            "message.timestamp.type", .choice(["CreateTime", "LogAppendTime"]), "CreateTime",
            broker: "log.message.timestamp.type", "Whose time a record carries."),
        TopicConfig(
            "min.cleanable.dirty.ratio", .double(0...1), "0.5", broker: "log.cleaner.min.cleanable.ratio",
            "The part of a log that must be uncompacted before it is compacted."),
        TopicConfig(
            "min.compaction.lag.ms", .long(anyLong), "0", broker: "log.cleaner.min.compaction.lag.ms",
            "The least time a record stays uncompacted."),
        TopicConfig(
            "min.insync.replicas", .int(1...Int32.max), "1", broker: "min.insync.replicas",
            "How many replicas must be in sync for a produce with acks=all."),
        TopicConfig(
            "preallocate", .boolean, "false", broker: "log.preallocate", "Whether a new segment's file is preallocated."
        ),
        TopicConfig(
            "remote.log.copy.disable", .boolean, "false", broker: nil, "Whether tiered storage takes no more data."),
        TopicConfig(
            "remote.log.delete.on.disable", .boolean, "false", broker: nil,
            "Whether tiered data is deleted when tiering is switched off."),
        TopicConfig("remote.storage.enable", .boolean, "false", broker: nil, "Whether the topic is tiered."),
        TopicConfig(
            "retention.bytes", .long(unlimitedLong), "-1", broker: "log.retention.bytes",
            "The size at which a partition's old segments are deleted."),
        TopicConfig(
            "retention.ms", .long(unlimitedLong), "604800000", broker: "log.retention.ms",
            "The age at which a partition's old segments are deleted."),
        TopicConfig(
            "segment.bytes", .int(1_048_576...Int32.max), "1073741824", broker: "log.segment.bytes",
            "The largest segment file."),
        TopicConfig(
            "segment.index.bytes", .int(4...Int32.max), "10485760", broker: "log.index.size.max.bytes",
            "The largest index file."),
        TopicConfig(
            "segment.jitter.ms", .long(anyLong), "0", broker: "log.roll.jitter.ms",
            "What is subtracted at random from `segment.ms`."),
        TopicConfig(
            "segment.ms", .long(1...Int64.max), "604800000", broker: "log.roll.ms",
            "The age at which a new segment begins."),
        TopicConfig(
            "unclean.leader.election.enable", .boolean, "false", broker: "unclean.leader.election.enable",
            "Whether a replica out of sync may lead when no other is left."),
    ]

    /// The key's definition; nil if there is no such key.
    package static func named(_ name: String) -> TopicConfig? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Checks what a new topic is to have; gives it ordered by key. Of a key that is named twice the last value counts.
    static func checked(_ given: [(String, String?)]) throws(Refusal) -> [(String, String)] {
        let nulls = given.filter { $0.1 == nil }.map(\.0)
        guard nulls.isEmpty else {
            throw Refusal(
                .invalidConfig, "Null value not supported for topic configs: \(nulls.joined(separator: ","))")
        }
        var values: [String: String] = [:]
        for (key, value) in given {
            try check(key, value ?? "")
            values[key] = value
        }
        try checkTogether(values)
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Checks what values say together.
    static func checkTogether(_ values: [String: String]) throws(Refusal) {
        let least = values["min.compaction.lag.ms"].flatMap { Int64($0.trimmed) } ?? 0
        let most = values["max.compaction.lag.ms"].flatMap { Int64($0.trimmed) } ?? Int64.max
        guard least <= most else {
            throw Refusal(
                .invalidConfig,
                "conflict topic config setting min.compaction.lag.ms (\(least)) > max.compaction.lag.ms (\(most))")
        }
    }

    /// Checks one setting.
    static func check(_ name: String, _ value: String) throws(Refusal) {
        guard let config = named(name) else {
            throw Refusal(.invalidConfig, "Unknown topic config name: \(name)")
        }
        if let complaint = config.complaint(about: value) { throw Refusal(.invalidConfig, complaint) }
        if name == "remote.storage.enable", value.trimmed.lowercased() == "true" {
            throw Refusal(.invalidConfig, "Tiered storage functionality is disabled in the broker.")
        }
    }
}
