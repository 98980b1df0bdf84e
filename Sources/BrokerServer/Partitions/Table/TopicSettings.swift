import LogStorage
package import Metadata
import Replication
import WireProtocol

/// How a topic's dynamic configuration and the node's defaults become the settings of its partitions.
package struct TopicSettings: Sendable {
    private let node: Settings

    package init(_ node: Settings) { self.node = node }

    /// The settings of `topic` by the newest metadata.
    package func resolve(_ topic: String, _ configs: ConfigsImage) -> PartitionSettings {
        let given = Given(topic: topic, configs: configs, node: node)
        var settings = PartitionSettings()
        settings.minInSyncReplicas = Int(given.integer("min.insync.replicas", node: "min.insync.replicas"))
        settings.flushesOnAck = given.boolean("flush.on.ack", node: "log.flush.on.ack")
        settings.batchBytesMax = Int(given.integer("max.message.bytes", node: "message.max.bytes"))
        settings.timestampBeforeMillisecondsMax = given.integer(
            "message.timestamp.before.max.ms", node: "log.message.timestamp.before.max.ms")
        settings.timestampAfterMillisecondsMax = given.integer(
            "message.timestamp.after.max.ms", node: "log.message.timestamp.after.max.ms")
        settings.compression = compression(given)
        settings.flushRecordsMax = given.integer("flush.messages", node: "log.flush.interval.messages")
        settings.flushMillisecondsMax =
            given.optionalInteger("flush.ms") ?? node.milliseconds("log.flush.interval.ms") ?? Int64.max
        settings.deleteDelayMilliseconds = given.integer("file.delete.delay.ms", node: "log.segment.delete.delay.ms")
        settings.replicaLagMillisecondsMax = node.integer("replica.lag.time.max.ms")
        settings.log = log(given)
        settings.throttledLeaders = given.replicas("leader.replication.throttled.replicas")
        settings.throttledFollowers = given.replicas("follower.replication.throttled.replicas")
        return settings
    }

    private func compression(_ given: Given) -> StoredCompression {
        let name = given.string("compression.type", node: "compression.type")
        if name == "uncompressed" { return .codec(.uncompressed, level: nil) }
        guard let codec = Compression(name: name), codec != .uncompressed else { return .asProduced }
        guard codec != .snappy else { return .codec(.snappy, level: nil) }
        let key = "compression.\(codec.name).level"
        return .codec(codec, level: Int32(clamping: given.integer(key, node: key)))
    }

    private func log(_ given: Given) -> LogConfiguration {
        var log = LogConfiguration()
        log.segmentBytes = given.integer("segment.bytes", node: "log.segment.bytes")
        log.segmentMilliseconds =
            given.optionalInteger("segment.ms") ?? node.milliseconds("log.roll.ms") ?? log.segmentMilliseconds
        log.segmentJitterMilliseconds =
            given.optionalInteger("segment.jitter.ms") ?? node.milliseconds("log.roll.jitter.ms") ?? 0
        log.indexIntervalBytes = Int(given.integer("index.interval.bytes", node: "log.index.interval.bytes"))
        log.indexSizeMaxBytes = Int(given.integer("segment.index.bytes", node: "log.index.size.max.bytes"))
        let retention = given.optionalInteger("retention.ms") ?? node.milliseconds("log.retention.ms") ?? -1
        log.retentionMilliseconds = retention < 0 ? nil : retention
        let bytes = given.integer("retention.bytes", node: "log.retention.bytes")
        log.retentionBytes = bytes < 0 ? nil : bytes
        let timestampType = given.string("message.timestamp.type", node: "log.message.timestamp.type")
        log.timestampType = timestampType == "LogAppendTime" ? .logAppendTime : .createTime
        let policy = given.string("cleanup.policy", node: "log.cleanup.policy")
        log.isDeletedByRetention = policy.contains("delete")
        log.isCompacted = policy.contains("compact")
        log.acceptsGaps = true
        log.minCleanableDirtyRatio =
            Double(given.string("min.cleanable.dirty.ratio", node: "log.cleaner.min.cleanable.ratio")) ?? 0.5
        log.minCompactionLagMilliseconds = given.integer(
            "min.compaction.lag.ms", node: "log.cleaner.min.compaction.lag.ms")
        log.maxCompactionLagMilliseconds = given.integer(
            "max.compaction.lag.ms", node: "log.cleaner.max.compaction.lag.ms")
        log.deleteRetentionMilliseconds = given.integer(
            "delete.retention.ms", node: "log.cleaner.delete.retention.ms")
        log.producerExpirationMilliseconds = node.integer("producer.id.expiration.ms")
        return log
    }

    /// A topic's values before the node's.
    private struct Given {
        let topic: String
        let configs: ConfigsImage
        let node: Settings

        func optionalInteger(_ key: String) -> Int64? { text(key).flatMap { Int64($0) } }

        func integer(_ key: String, node nodeKey: String) -> Int64 { optionalInteger(key) ?? node.integer(nodeKey) }

        func string(_ key: String, node nodeKey: String) -> String {
            text(key) ?? node.string(nodeKey)
        }

        func boolean(_ key: String, node nodeKey: String) -> Bool {
            text(key).map { $0.lowercased() == "true" } ?? node.boolean(nodeKey)
        }

        func replicas(_ key: String) -> ThrottledReplicas { text(key).map { ThrottledReplicas(parsing: $0) } ?? .none }

        private func text(_ key: String) -> String? { configs.value(ofTopic: topic, key)?.trimmed }
    }
}
