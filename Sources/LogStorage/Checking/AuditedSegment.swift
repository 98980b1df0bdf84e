package import Primitives
import WireProtocol
import World

/// One segment as a check of it sees it: taken under the partition's lock, read without it.
package struct AuditedSegment: Sendable {
    let file: SegmentFile
    package let baseOffset: Offset
    /// Exclusive: what a check that begins now reads up to.
    package let endOffset: Offset
    package let sizeBytes: Int64
    /// A log that was cut since is not what this describes.
    let generation: Int
    let known: BatchAudit.Known
    /// Whether it is the log's first: a follower's may begin within a batch, which is there as a whole.
    let isFirst: Bool

    package var path: String { file.path }

    /// The check of all of it.
    package var audit: BatchAudit {
        BatchAudit(
            file, 0..<sizeBytes, from: known.mayHaveGaps || isFirst ? nil : baseOffset, upTo: endOffset, known: known)
    }
}

/// New indexes for a sealed segment whose own lead astray.
package struct RebuiltIndexes: Sendable {
    let source: AuditedSegment
    var segment: LogSegment

    /// Walks over the segment's batches; blocks.
    package init(
        of source: AuditedSegment, directory: String, intervalBytes: Int, now: Timestamp
    ) throws(StorageError) {
        self.source = source
        segment = LogSegment(baseOffset: source.baseOffset, file: source.file, directory: directory, openedAt: now)
        var cursor = HeaderCursor(source.file, from: 0, to: source.sizeBytes)
        while let (header, position) = try cursor.next() {
            try segment.noteFound(header, at: position, indexIntervalBytes: intervalBytes)
        }
        segment.endOffset = source.endOffset
    }
}

extension PartitionLog {
    /// Whether an offset may be missing: compaction has removed records, or may have.
    package var mayHaveGaps: Bool {
        hasGaps || configuration.isCompacted || cleanedEndOffset > .zero
    }

    private var known: BatchAudit.Known {
        BatchAudit.Known(mayHaveGaps: mayHaveGaps, epochs: epochs, logStart: logStartOffset)
    }

    /// All segments as they are now, the oldest first.
    package var auditedSegments: [AuditedSegment] { segments.map(audited) }

    /// The segment whose log file is at `path`.
    package func auditedSegment(at path: String) -> AuditedSegment? {
        segments.first { $0.file.path == path }.map(audited)
    }

    private func audited(_ segment: LogSegment) -> AuditedSegment {
        AuditedSegment(
            file: segment.file, baseOffset: segment.baseOffset, endOffset: segment.endOffset,
            sizeBytes: segment.sizeBytes, generation: ledger.generation, known: known,
            isFirst: segment.baseOffset == segments[0].baseOffset)
    }

    /// The check of what a read found.
    package func audit(_ slice: LogSlice) -> BatchAudit {
        BatchAudit(
            slice.file, slice.position..<(slice.position + Int64(slice.count)), from: slice.baseOffset,
            upTo: slice.endOffset, known: known)
    }

    /// Whether a segment that was looked at is still a part of the log, so that what was found there is true of it.
    package func holds(_ segment: AuditedSegment) -> Bool {
        ledger.generation == segment.generation && segments.contains { $0.file === segment.file }
    }

    /// Takes new indexes in the place of old ones; false when the log is no longer what they were made of, or the
    /// segment is the active one, whose indexes are in memory.
    package mutating func adopt(_ rebuilt: RebuiltIndexes) throws(StorageError) -> Bool {
        try checkOnline()
        guard holds(rebuilt.source), let index = segments.firstIndex(where: { $0.file === rebuilt.source.file }),
            index != activeIndex
        else { return false }
        var segment = rebuilt.segment
        segment.transactions = segments[index].transactions
        do throws(FileError) { ledger.add(try segment.seal(in: files)) } catch { throw failed(error) }
        ledger.addDirectory(directory)
        segments[index] = segment
        hints.removeAll()
        return true
    }

    // MARK: What need not be read again

    /// Forgets what was trusted too long; to be called about every `trustLookMilliseconds`.
    package func ageTrust(now: MonotonicInstant) { for segment in segments { segment.file.ageTrust(now: now) } }

    /// The pause between two calls of `ageTrust`.
    package static let trustLookMilliseconds: Int64 = 30_000
}
