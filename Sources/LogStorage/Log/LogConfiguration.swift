package import WireProtocol

/// What a topic's configuration says about its logs. The defaults are Kafka's.
package struct LogConfiguration: Hashable, Sendable {
    /// `segment.bytes`: a segment that would grow beyond it is rolled first.
    package var segmentBytes: Int64 = 1_073_741_824
    /// `segment.ms`: a segment whose first record is older, by record time, is rolled.
    package var segmentMilliseconds: Int64 = 604_800_000
    /// Drawn once for each log from 0 up to `segment.jitter.ms`, subtracted from `segmentMilliseconds`.
    package var segmentJitterMilliseconds: Int64 = 0
    /// `index.interval.bytes`: an offset index entry for at least so many bytes of log.
    package var indexIntervalBytes = 4096
    /// `segment.index.bytes`: an index that is full rolls the segment.
    package var indexSizeMaxBytes = 10_485_760
    /// `retention.ms`; nil keeps for ever.
    package var retentionMilliseconds: Int64? = 604_800_000
    /// `retention.bytes`, for each partition; nil keeps for ever.
    package var retentionBytes: Int64?
    /// `message.timestamp.type`.
    package var timestampType = TimestampType.createTime
    /// Whether `cleanup.policy` has `delete`; without it only the log start offset removes segments.
    package var isDeletedByRetention = true
    /// Whether `cleanup.policy` has `compact`.
    package var isCompacted = false
    /// Whether a leader may send offsets with gaps: it does where the log was compacted once.
    package var acceptsGaps = false
    /// `min.cleanable.dirty.ratio`: a log is compacted when more of it than this is dirty.
    package var minCleanableDirtyRatio = 0.5
    /// `min.compaction.lag.ms`: a segment with a younger record is not compacted.
    package var minCompactionLagMilliseconds: Int64 = 0
    /// `max.compaction.lag.ms`: a log with an older dirty record is compacted, and a segment that is so old rolled.
    package var maxCompactionLagMilliseconds = Int64.max
    /// `delete.retention.ms`: tombstones and markers stay for so long after the compaction that meets them first.
    package var deleteRetentionMilliseconds: Int64 = 86_400_000
    /// `producer.id.expiration.ms`: producers without a batch for so long, by record time, are forgotten.
    package var producerExpirationMilliseconds: Int64 = 86_400_000
    /// Producers remembered in one log at most; beyond it the one that was silent longest is forgotten.
    package var producersMax = 100_000

    package init() {}
}
