package import Primitives
package import World

/// One partition's log, in Kafka's format on disk: segments, indexes, leader epochs and producer state.
///
/// It has no lock and no thread: its owner, the partition, calls it under the partition's lock and keeps the only copy.
/// Nothing in here waits for a disk but `open`, `close`, `truncate…` and cold reads; what must be durable is
/// handed out as a `FlushTicket`.
///
/// - Invariant: `logStartOffset <= flushedEndOffset <= logEndOffset`; a log that failed once refuses everything.
package struct PartitionLog: Sendable {
    /// The partition's directory, `<log dir>/<topic>-<partition>`.
    package let directory: String
    package var configuration: LogConfiguration

    /// The first offset that can be read.
    package internal(set) var logStartOffset: Offset = .zero
    /// Exclusive: the offset the next record gets.
    package internal(set) var logEndOffset: Offset = .zero
    /// Exclusive: every record below it is on the disk. What `flush.on.ack` acknowledges, and the recovery point.
    package internal(set) var flushedEndOffset: Offset = .zero
    /// Set by the first failed write or flush.
    package internal(set) var failure: FileError?

    // MARK: Opening

    /// Opens the log in `directory`, making it where it is missing, and repairs what an unclean stop left.
    ///
    /// Blocks: for the pool. After an unclean stop every segment that reaches behind the recovery point is read, each
    /// checksum compared; a torn tail is cut off, indexes and producer state are rebuilt.
    /// - Throws: `corrupt` when what was flushed before is damaged; nothing is shortened then.
    package static func open(
        directory: String, files: any FileStore, configuration: LogConfiguration, start: RecoveryStart, now: Timestamp
    ) throws(StorageError) -> (log: PartitionLog, report: RecoveryReport) { preconditionFailure() }

    // MARK: Appending

    /// Appends what producers sent, each piece the validated batches of one request, with as few writes as there are
    /// segments touched (one, nearly always). Base offset and leader epoch are patched in place.
    ///
    /// - Returns: one outcome for each piece, in order.
    /// - Throws: `file`: the log is offline, and none of the pieces may be acknowledged.
    package mutating func appendAsLeader(
        _ pieces: [Bytes], epoch: LeaderEpoch, now: Timestamp
    ) throws(StorageError) -> [AppendOutcome] { preconditionFailure() }

    /// Appends what a leader sent: offsets and epochs as they are, checksums compared, producer state kept exactly as
    /// the leader keeps it. A cut-off batch at the end is ignored.
    ///
    /// - Returns: the new log end offset.
    package mutating func appendAsFollower(
        _ batches: Bytes, now: Timestamp
    ) throws(StorageError) -> Offset { preconditionFailure() }

    // MARK: Flushing

    /// What must be made durable to cover the present log end; nil when everything is.
    package mutating func prepareFlush() -> FlushTicket? { preconditionFailure() }

    /// The ticket's `run` succeeded: `flushedEndOffset` moves up to its end, unless the log was truncated meanwhile.
    package mutating func flushed(_ ticket: FlushTicket) { preconditionFailure() }

    /// A flush failed: the log refuses everything from now on.
    package mutating func fail(_ error: FileError) { preconditionFailure() }

    // MARK: Reading

    /// Finds whole batches from the one that contains `offset`: at most `maxBytes` of them, all below `upTo`.
    ///
    /// - Parameter minOneMessage: give the first batch though it is longer than `maxBytes`.
    /// - Returns: an empty slice when nothing below `upTo` follows, or the first batch is too long.
    /// - Throws: `offsetOutOfRange`; never for `offset == logEndOffset`.
    package mutating func read(
        from offset: Offset, maxBytes: Int, upTo end: Offset, minOneMessage: Bool
    ) throws(StorageError) -> LogSlice { preconditionFailure() }

    /// The same as a copy in memory: for the quorum, coordinators and tools.
    package mutating func readBytes(
        from offset: Offset, upTo end: Offset, maxBytes: Int
    ) throws(StorageError) -> Bytes { preconditionFailure() }

    // MARK: Leader epochs

    /// The epoch of the last batch or assignment.
    package var latestEpoch: LeaderEpoch? { preconditionFailure() }

    /// A leader begins: `epoch` starts at the log end. Before it serves (rule 1).
    package mutating func assign(_ epoch: LeaderEpoch, startOffset: Offset) { preconditionFailure() }

    /// The largest epoch at or below `epoch` that this log has, and where it ends (exclusive); nil when it has none
    /// so old (KIP-101, KIP-279).
    package func endOffset(for epoch: LeaderEpoch) -> (epoch: LeaderEpoch, endOffset: Offset)? { preconditionFailure() }

    /// The epoch in which the record at `offset` was written.
    package func epoch(at offset: Offset) -> LeaderEpoch? { preconditionFailure() }

    // MARK: Cutting

    /// Removes every record at or behind `offset`. Whether that may be (a high watermark) is the caller's rule.
    package mutating func truncate(to offset: Offset) throws(StorageError) { preconditionFailure() }

    /// Removes everything and starts again at `offset`: a follower whose leader begins later.
    package mutating func truncateFullyAndStart(at offset: Offset) throws(StorageError) { preconditionFailure() }

    // MARK: Times

    /// The first record whose timestamp is at least `timestamp`; nil when there is none.
    package mutating func offset(
        forTimestamp timestamp: Timestamp
    ) throws(StorageError) -> TimestampedOffset? { preconditionFailure() }

    /// The record with the greatest timestamp (KIP-734); nil for an empty log.
    package mutating func offsetOfMaxTimestamp() throws(StorageError) -> TimestampedOffset? { preconditionFailure() }

    // MARK: Ageing

    /// Starts a new segment if the active one is due by size or age.
    package mutating func rollIfDue(now: Timestamp) throws(StorageError) { preconditionFailure() }

    /// Starts a new segment at the log end; nothing happens when the active one is empty.
    package mutating func roll(now: Timestamp) throws(StorageError) { preconditionFailure() }

    /// Drops the segments that retention no longer keeps, never one that reaches above `highWatermark`.
    ///
    /// - Returns: the files, renamed to `.deleted`, for the pool to remove after `file.delete.delay.ms`.
    package mutating func enforceRetention(
        highWatermark: Offset, now: Timestamp
    ) throws(StorageError) -> [SegmentRemoval] { preconditionFailure() }

    /// Records below `offset` are gone (DeleteRecords, a leader that begins later, a metadata snapshot).
    ///
    /// - Returns: the files of segments wholly below it, to be removed.
    package mutating func incrementLogStartOffset(
        to offset: Offset
    ) throws(StorageError) -> [SegmentRemoval] { preconditionFailure() }

    /// Forgets producers that wrote nothing for `producer.id.expiration.ms`.
    package mutating func expireProducers(now: Timestamp) { preconditionFailure() }

    /// Bytes of all log files.
    package var sizeBytes: Int64 { preconditionFailure() }

    // MARK: Closing

    /// A clean stop: flushes all, writes indexes and a producer snapshot, closes the files. Blocks: for the pool.
    package mutating func close() throws(StorageError) { preconditionFailure() }

    /// Closes the files without writing: for a log that failed or is deleted.
    package mutating func abandon() { preconditionFailure() }
}

/// An offset found by time.
package struct TimestampedOffset: Hashable, Sendable {
    package let offset: Offset
    package let timestamp: Timestamp
    package let epoch: LeaderEpoch?

    package init(offset: Offset, timestamp: Timestamp, epoch: LeaderEpoch?) {
        self.offset = offset
        self.timestamp = timestamp
        self.epoch = epoch
    }
}

/// Files of one dropped segment, already renamed so that no restart takes them for live ones.
package struct SegmentRemoval: Hashable, Sendable {
    package let paths: [String]

    /// Removes them; blocks. A file that is gone already is no error.
    package func run(_ store: any FileStore) throws(FileError) {
        for path in paths where store.exists(path) { try store.remove(path) }
    }
}
