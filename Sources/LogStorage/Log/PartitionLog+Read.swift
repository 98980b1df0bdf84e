package import Primitives
import WireProtocol
import World

extension PartitionLog {
    /// Finds whole batches from the one that contains `offset`: at most `maxBytes` of them, all below `upTo`.
    ///
    /// One slice lies in one segment: a reader goes on at `endOffset`.
    /// - Parameter minOneMessage: give the first batch though it is longer than `maxBytes`.
    /// - Returns: an empty slice when nothing below `upTo` follows, or the first batch is too long.
    /// - Throws: `offsetOutOfRange` below the log start or behind the log end, never for `offset == logEndOffset`.
    package mutating func read(
        from offset: Offset, maxBytes: Int, upTo end: Offset, minOneMessage: Bool
    ) throws(StorageError) -> LogSlice {
        try checkOnline()
        guard offset >= logStartOffset, offset <= logEndOffset else {
            throw .offsetOutOfRange(requested: offset, start: logStartOffset, end: logEndOffset)
        }
        guard offset < end, offset < logEndOffset, let start = try locate(offset) else {
            return LogSlice(
                file: segments[activeIndex].file, position: 0, count: 0, baseOffset: offset, endOffset: offset)
        }
        guard start.baseOffset <= offset || mayHaveGaps else {
            // Where another segment was found, the one that should hold the offset is at fault.
            let holder = segmentIndex(of: offset)
            throw .corrupt(
                path: segments[holder].file.path, position: holder == start.segment ? start.position : 0,
                reason: "the batch at offset \(start.baseOffset) is the first that was found for offset \(offset)")
        }
        guard start.baseOffset < end else {
            return LogSlice(
                file: segments[activeIndex].file, position: 0, count: 0, baseOffset: offset, endOffset: offset)
        }
        guard let stop = try stop(start, maxBytes: maxBytes, upTo: end, minOneMessage) else {
            return LogSlice(
                file: segments[start.segment].file, position: start.position, count: 0, baseOffset: offset,
                endOffset: offset)
        }
        // The start may come from memory or a hint, and the batches on the disk disagree with it.
        guard stop.position > start.position else {
            throw .corrupt(
                path: segments[start.segment].file.path, position: stop.position,
                reason: "the batch at offset \(stop.offset) stands before the one at offset \(start.baseOffset)")
        }
        // A segment has a dozen references to count: it is looked at where it stands.
        if stop.position < segments[start.segment].sizeBytes {
            let base = segments[start.segment].baseOffset
            hints.remember(
                ReadHints.Hint(offset: stop.offset, segmentBase: base, position: stop.position, batch: stop.next))
        }
        return LogSlice(
            file: segments[start.segment].file, position: start.position, count: Int(stop.position - start.position),
            baseOffset: start.baseOffset, endOffset: stop.offset)
    }

    /// The same as a copy in memory: for the quorum, coordinators and tools. At least one batch where there is one.
    package mutating func readBytes(
        from offset: Offset, upTo end: Offset, maxBytes: Int
    ) throws(StorageError) -> Bytes {
        let slice = try read(from: offset, maxBytes: maxBytes, upTo: end, minOneMessage: true)
        return try bytes(of: slice)
    }

    /// Whether a slice holds only the newest batches, appended since the log was opened.
    package func isRecent(_ slice: LogSlice) -> Bool {
        slice.file === segments[activeIndex].file && recent.covers(slice.position)
    }

    /// Reads what a slice covers into memory.
    package func bytes(of slice: LogSlice) throws(StorageError) -> Bytes { try slice.read() }

    /// A batch: the segment it is in, where it starts, its size.
    struct Place {
        let segment: Int
        let position: Int64
        let baseOffset: Offset
        let endOffset: Offset
        let byteCount: Int
    }

    private struct Stop {
        let position: Int64
        let offset: Offset
        /// The batch that stands there, where its header was seen.
        var next: RecordBatchHeader?
    }

    /// The batch that contains `offset` or is the first behind it; nil at the log's end.
    func locate(_ offset: Offset) throws(StorageError) -> Place? {
        if let batch = recent.batch(at: offset) {
            return Place(
                segment: activeIndex, position: batch.position, baseOffset: batch.baseOffset,
                endOffset: batch.endOffset, byteCount: batch.byteCount)
        }
        for index in segmentIndex(of: offset)..<segments.count {
            let segment = segments[index]
            let found: (header: RecordBatchHeader, position: Int64)?
            if let hint = hints.place(of: offset, inSegment: segment.baseOffset) {
                if let batch = hint.batch {
                    found = (batch, hint.position)
                } else {
                    var cursor = HeaderCursor(segment.file, from: hint.position, to: segment.sizeBytes)
                    found = try cursor.next()
                }
            } else {
                found = try segment.locate(offset, in: files, order(ofSegment: index))
            }
            if let (header, position) = found {
                return Place(
                    segment: index, position: position, baseOffset: header.baseOffset, endOffset: header.nextOffset,
                    byteCount: header.sizeInBytes)
            }
        }
        return nil
    }

    func order(ofSegment index: Int) -> BatchOrder {
        let mayHaveGaps = mayHaveGaps
        return BatchOrder(mayHaveGaps: mayHaveGaps, startsAtBase: !mayHaveGaps && index > 0)
    }

    /// The last segment that starts at or before `offset`, or the first one.
    func segmentIndex(of offset: Offset) -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].baseOffset <= offset { low = middle + 1 } else { high = middle }
        }
        return max(low - 1, 0)
    }

    /// Where a slice from `start` ends: at a batch boundary, in the same segment; nil when it would be empty.
    private func stop(
        _ start: Place, maxBytes: Int, upTo end: Offset, _ minOneMessage: Bool
    ) throws(StorageError) -> Stop? {
        let first = Stop(position: start.position + Int64(start.byteCount), offset: start.endOffset)
        if start.endOffset > end { return nil }
        if start.byteCount > maxBytes { return minOneMessage ? first : nil }
        let boundary = try boundary(in: start.segment, upTo: end)
        let (limit, isOverflow) = start.position.addingReportingOverflow(Int64(maxBytes))
        if isOverflow || boundary.position <= limit { return boundary }
        if start.segment == activeIndex, recent.covers(start.position) {
            guard let last = recent.lastBatch(from: start.position, endingBy: limit) else { return first }
            return Stop(position: last.endPosition, offset: last.endOffset)
        }
        let segment = segments[start.segment]
        let entry: OffsetEntry?
        do throws(FileError) {
            entry = try segment.offsets.last(in: files) { Int64($0.position) <= limit }
        } catch { throw .file(error) }
        let from = max(Int64(entry?.position ?? 0), start.position)
        var cursor = HeaderCursor(segment.file, from: from, to: segment.sizeBytes)
        var last = first
        while let (header, position) = try cursor.next() {
            let next = position + Int64(header.sizeInBytes)
            if next > limit {
                // This batch is too much; it starts where the slice ends.
                return position > start.position
                    ? Stop(position: position, offset: header.baseOffset, next: header) : first
            }
            last = Stop(position: next, offset: header.nextOffset)
        }
        return last
    }

    /// The end of the last batch in a segment that lies wholly below `end`.
    private func boundary(in index: Int, upTo end: Offset) throws(StorageError) -> Stop {
        if end >= segments[index].endOffset {
            return Stop(position: segments[index].sizeBytes, offset: segments[index].endOffset)
        }
        if index == activeIndex, let batch = recent.batch(at: end) {
            return Stop(position: batch.position, offset: batch.baseOffset)
        }
        let segment = segments[index]
        guard let (header, position) = try segment.locate(end, in: files, order(ofSegment: index)) else {
            return Stop(position: segment.sizeBytes, offset: segment.endOffset)
        }
        return Stop(position: position, offset: header.baseOffset)
    }
}
