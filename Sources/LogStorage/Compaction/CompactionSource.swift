package import Primitives
import WireProtocol
package import World

/// What of a log can be compacted now: taken under the partition's lock, worked on without it.
///
/// - Invariant: nothing at or behind `firstUncleanable` is touched: no record above the high watermark, none of a
///   transaction that is still open, none of the active segment, none younger than `min.compaction.lag.ms`
///   (rule 27, KAFKA-13194).
package struct CompactionSource: Sendable {
    /// One sealed segment.
    struct Segment: Sendable {
        let baseOffset: Offset
        let endOffset: Offset
        let sizeBytes: Int64
        let path: String
        let offsetIndexBytes: Int
        let timeIndexBytes: Int
        let openedAt: Timestamp
        let transactions: TransactionIndex
        /// Of its first batch; nil where that is not known without a look at the disk.
        let firstTimestamp: Timestamp?
    }

    let directory: String
    /// Those that may be cleaned.
    let segments: [Segment]
    /// Those behind, the active one too: transactions may end there.
    let later: [Segment]
    /// Below it everything was compacted before.
    package let firstDirty: Offset
    /// Exclusive: where the part that may be compacted ends.
    package let firstUncleanable: Offset
    let configuration: LogConfiguration
    let producers: ProducerStates
    /// A log that was cut since is not what this describes.
    let generation: Int

    /// Bytes of segments that were compacted before, as far as they lie before the first dirty offset.
    package var cleanBytes: Int64 { segments.filter { $0.endOffset <= firstDirty }.reduce(0) { $0 + $1.sizeBytes } }

    /// Bytes that were not.
    package var dirtyBytes: Int64 { segments.filter { $0.endOffset > firstDirty }.reduce(0) { $0 + $1.sizeBytes } }

    /// The dirty part of the bytes that may be compacted, from 0 to 1.
    package var dirtyRatio: Double {
        let (clean, dirty) = (cleanBytes, dirtyBytes)
        return dirty == 0 ? 0 : Double(dirty) / Double(clean + dirty)
    }

    /// How long the oldest dirty record has been waiting beyond `max.compaction.lag.ms`, in milliseconds; nil where
    /// it has not. Blocks.
    package func overdueMilliseconds(now: Timestamp, _ files: any FileStore) throws(StorageError) -> Int64? {
        guard configuration.maxCompactionLagMilliseconds < Int64.max else { return nil }
        var earliest: Timestamp?
        for segment in segments where segment.endOffset > firstDirty {
            let first = segment.firstTimestamp != nil ? segment.firstTimestamp : try readFirstTimestamp(segment, files)
            guard let first, first.value > 0 else { continue }
            earliest = min(earliest ?? first, first)
        }
        guard let earliest else { return nil }
        let overdue = (now.value - configuration.maxCompactionLagMilliseconds) - earliest.value
        return overdue > 0 ? overdue : nil
    }

    private func readFirstTimestamp(_ segment: Segment, _ files: any FileStore) throws(StorageError) -> Timestamp? {
        let file: SegmentFile
        do throws(FileError) { file = try files.openSegment(segment.path, .read) } catch { throw .file(error) }
        defer { file.close() }
        var cursor = HeaderCursor(file, from: 0, to: segment.sizeBytes)
        return try cursor.next()?.header.maxTimestamp
    }

    /// Groups of neighbours that become one segment each: none larger than a segment may be, in bytes, index and
    /// offsets.
    func groups(upTo end: Offset) -> [ArraySlice<Segment>] {
        var groups: [ArraySlice<Segment>] = []
        var rest = segments.prefix { $0.baseOffset < end }
        while let first = rest.first {
            var (bytes, offsetIndex, timeIndex) = (first.sizeBytes, first.offsetIndexBytes, first.timeIndexBytes)
            var count = 1
            for next in rest.dropFirst() {
                bytes += next.sizeBytes
                offsetIndex += next.offsetIndexBytes
                timeIndex += next.timeIndexBytes
                let fits =
                    bytes <= min(configuration.segmentBytes, Int64(Int32.max))
                    && max(offsetIndex, timeIndex) <= configuration.indexSizeMaxBytes
                    && next.endOffset - first.baseOffset <= Int64(Int32.max)
                guard fits else { break }
                count += 1
            }
            groups.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return groups
    }
}

extension PartitionLog {
    /// What could be compacted of this log; nil where that is nothing, or the log is not compacted at all.
    package func compactionSource(highWatermark: Offset, now: Timestamp) -> CompactionSource? {
        guard failure == nil, configuration.isCompacted, segments.count > 1 else { return nil }
        // A checkpoint that does not fit the log is none.
        let isKnown = cleanedEndOffset >= segments[0].baseOffset && cleanedEndOffset <= logEndOffset
        let firstDirty = isKnown ? cleanedEndOffset : segments[0].baseOffset
        let stable = lastStableOffset(highWatermark: highWatermark)
        let lag = configuration.minCompactionLagMilliseconds
        var count = 0
        for segment in segments.dropLast() {
            guard segment.endOffset <= stable else { break }
            let isTooYoung = segment.maxTimestamp.map { lag > 0 && $0.value > now.value - lag } ?? false
            if isTooYoung, segment.endOffset > firstDirty { break }
            count += 1
        }
        let views = segments.map { view($0) }
        guard count > 0, segments[count - 1].endOffset > firstDirty else { return nil }
        return CompactionSource(
            directory: directory, segments: Array(views[..<count]), later: Array(views[count...]),
            firstDirty: firstDirty, firstUncleanable: segments[count - 1].endOffset, configuration: configuration,
            producers: producers, generation: ledger.generation)
    }

    /// Whether the log was not cut since; what a cut left does not agree with what was read before.
    package func isUncut(since source: CompactionSource) -> Bool { ledger.generation == source.generation }

    private func view(_ segment: LogSegment) -> CompactionSource.Segment {
        CompactionSource.Segment(
            baseOffset: segment.baseOffset, endOffset: segment.endOffset, sizeBytes: segment.sizeBytes,
            path: path(segment.baseOffset, .log), offsetIndexBytes: segment.offsets.byteCount,
            timeIndexBytes: segment.times.byteCount, openedAt: segment.openedAt, transactions: segment.transactions,
            firstTimestamp: segment.firstTimestamp)
    }
}
