package import LogStorage

/// What a topic's configuration says to its partitions, defaults of the node filled in.
package struct PartitionSettings: Hashable, Sendable {
    package var log = LogConfiguration()
    /// `min.insync.replicas`.
    package var minInSyncReplicas = 1
    /// `flush.on.ack`: a replica counts only what it has flushed.
    package var flushesOnAck = true
    /// `max.message.bytes`: the largest batch.
    package var batchBytesMax = 1_048_588
    /// `message.timestamp.before.max.ms`; how old a record may claim to be.
    package var timestampBeforeMillisecondsMax = Int64.max
    /// `message.timestamp.after.max.ms`; how far ahead it may be.
    package var timestampAfterMillisecondsMax: Int64 = 3_600_000
    /// `replica.lag.time.max.ms` of the node.
    package var replicaLagMillisecondsMax: Int64 = 30_000

    package init() {}
}
