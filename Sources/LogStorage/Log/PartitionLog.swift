package import Primitives
package import World

/// One partition's log, in Kafka's format on disk: segments, indexes, leader epochs and producer state.
///
/// It has no lock and no thread: its owner, the partition, calls it under the partition's lock and keeps the only copy.
/// Nothing in here waits for a disk but `open`, `close`, `truncate…` and cold reads; what must be durable is
/// handed out as a `FlushTicket`.
///
/// - Invariant: `logStartOffset <= logEndOffset` and `flushedEndOffset <= logEndOffset`; the last segment is the active
///   one; a log that failed once refuses everything.
package struct PartitionLog: Sendable {
    /// The partition's directory, `<log dir>/<topic>-<partition>`.
    package internal(set) var directory: String
    package var configuration: LogConfiguration
    let files: any FileStore

    /// The first offset that can be read.
    package internal(set) var logStartOffset: Offset
    /// Exclusive: every record below it is on the disk. What `flush.on.ack` acknowledges, and the recovery point.
    package internal(set) var flushedEndOffset: Offset
    /// Set by the first failed write or flush.
    package internal(set) var failure: FileError?
    /// Where each leader epoch starts.
    package internal(set) var epochs = LeaderEpochs()
    /// The idempotent producers known here.
    package internal(set) var producers = ProducerStates()

    /// All below it is compacted, as far as that is known. For `cleaner-offset-checkpoint`.
    package internal(set) var cleanedEndOffset = Offset.zero

    /// Whether its offsets may have gaps; the file that says so stands in the directory.
    var hasGaps = false

    /// Never empty; ordered by base offset.
    var segments: [LogSegment]
    var ledger = FlushLedger()
    var recent = RecentBatches()
    var hints = ReadHints()
    /// The offset of the newest producer snapshot on disk.
    var producerSnapshotOffset: Offset?
    /// Whether the file that bounds the recovery point after a truncation stands in the directory.
    var hasRecoveryLimit = false

    init(
        directory: String, configuration: LogConfiguration, files: any FileStore, logStartOffset: Offset,
        segments: [LogSegment]
    ) {
        precondition(!segments.isEmpty, "a log without a segment")
        self.directory = directory
        self.configuration = configuration
        self.files = files
        self.logStartOffset = logStartOffset
        self.segments = segments
        flushedEndOffset = segments[segments.count - 1].endOffset
    }

    /// Where a log begins and ends.
    package struct Bounds: Equatable {
        package let start: Offset
        package let end: Offset
        package let flushedEnd: Offset

        package init(start: Offset, end: Offset, flushedEnd: Offset) {
            (self.start, self.end, self.flushedEnd) = (start, end, flushedEnd)
        }
    }

    /// All of them at once: who has the log in an optional copies it with each look at one of its fields.
    package var bounds: Bounds { Bounds(start: logStartOffset, end: logEndOffset, flushedEnd: flushedEndOffset) }

    /// Exclusive: the offset the next record gets.
    package var logEndOffset: Offset { segments[segments.count - 1].endOffset }

    /// Bytes of all log files.
    package var sizeBytes: Int64 { segments.reduce(0) { $0 + $1.sizeBytes } }

    package var segmentCount: Int { segments.count }

    var activeIndex: Int { segments.count - 1 }

    /// The log file that is appended to.
    package var activeFile: SegmentFile { segments[activeIndex].file }

    func path(_ name: String) -> String { directory + "/" + name }

    func path(_ offset: Offset, _ kind: SegmentFileName.Kind) -> String { path(SegmentFileName.name(offset, kind)) }

    func checkOnline() throws(StorageError) {
        if let failure { throw .offline(failure) }
    }

    /// Takes the log offline by `error` and wraps it.
    mutating func failed(_ error: FileError) -> StorageError {
        fail(error)
        return .file(error)
    }

    /// A write or flush failed: the log refuses everything from now on. Nothing is ever retried.
    package mutating func fail(_ error: FileError) { if failure == nil { failure = error } }
}
