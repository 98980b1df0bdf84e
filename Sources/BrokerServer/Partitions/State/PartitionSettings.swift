package import LogStorage
package import Metadata
package import Primitives
package import Replication
package import WireProtocol

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
    /// `flush.messages`: records that may lie unflushed in a log that is not flushed on acknowledgement.
    package var flushRecordsMax = Int64.max
    /// `flush.ms`: how long they may.
    package var flushMillisecondsMax = Int64.max
    /// `file.delete.delay.ms`: how long the files of a dropped segment stay.
    package var deleteDelayMilliseconds: Int64 = 60_000
    /// `replica.lag.time.max.ms` of the node.
    package var replicaLagMillisecondsMax: Int64 = 30_000

    /// `compression.type` with the level of that codec.
    package var compression = StoredCompression.asProduced
    /// `leader.replication.throttled.replicas`, as long as it is not clear whose settings these are.
    package var throttledLeaders = ThrottledReplicas.none
    /// `follower.replication.throttled.replicas`, likewise.
    package var throttledFollowers = ThrottledReplicas.none
    /// Whether what this replica sends to others as their leader is throttled.
    package var isThrottledAsLeader = false
    /// Whether what this replica fetches from its leader is throttled.
    package var isThrottledAsFollower = false

    package init() {}

    /// The topic's settings as they are for the replica of one partition on a broker.
    package func own(of partition: TopicPartitionID, on broker: BrokerID) -> PartitionSettings {
        var own = jittered(for: partition)
        own.isThrottledAsLeader = throttledLeaders.holds(for: partition.index, on: broker)
        own.isThrottledAsFollower = throttledFollowers.holds(for: partition.index, on: broker)
        own.throttledLeaders = .none
        own.throttledFollowers = .none
        return own
    }

    /// The same for one partition: its logs roll earlier by a part of `segment.jitter.ms` that is its own, and the same
    /// after a restart and on every replica.
    private func jittered(for partition: TopicPartitionID) -> PartitionSettings {
        let jitter = min(log.segmentJitterMilliseconds, log.segmentMilliseconds)
        guard jitter > 0 else { return self }
        var generator = SeededGenerator(
            seed: partition.topic.high ^ partition.topic.low ^ UInt64(bitPattern: Int64(partition.index.value)))
        var settings = self
        settings.log.segmentJitterMilliseconds = Int64(generator.next() % UInt64(jitter))
        return settings
    }

    /// What a batch that comes `now` is checked against.
    package func rules(now: Timestamp) -> RecordRules {
        var rules = RecordRules()
        rules.needsKeys = log.isCompacted
        rules.storedAs = compression
        rules.batchBytesMax = batchBytesMax
        rules.decompressedBytesMax = RecordRules.decompressedBytesMax(batchBytesMax: batchBytesMax)
        guard log.timestampType == .createTime else { return rules }
        let (earliest, isBeforeAll) = now.value.subtractingReportingOverflow(timestampBeforeMillisecondsMax)
        let (latest, isBehindAll) = now.value.addingReportingOverflow(timestampAfterMillisecondsMax)
        rules.createTimes = (isBeforeAll ? .min : earliest)...(isBehindAll ? .max : latest)
        return rules
    }
}
