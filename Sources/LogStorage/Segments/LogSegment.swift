import Primitives
import WireProtocol
import World

/// One file of batches with its three indexes. The last segment of a log is the active one, the others are sealed.
struct LogSegment: Sendable {
    let baseOffset: Offset
    private(set) var file: SegmentFile
    private(set) var sizeBytes: Int64 = 0
    /// Exclusive: the base offset of what follows.
    var endOffset: Offset
    var offsets: SparseIndex<OffsetEntry>
    var times: SparseIndex<TimeEntry>
    var transactions: TransactionIndex
    /// The greatest timestamp; nil where no batch has one.
    private(set) var maxTimestamp: Timestamp?
    /// The last offset of the first batch that has it.
    private(set) var offsetOfMaxTimestamp: Offset?
    /// The greatest timestamp of the first batch: what ages a segment.
    private(set) var firstTimestamp: Timestamp?
    /// When this node made or opened it; ages a segment whose records have no time.
    let openedAt: Timestamp
    private var bytesSinceIndexEntry = 0

    init(baseOffset: Offset, file: SegmentFile, directory: String, openedAt: Timestamp) {
        self.baseOffset = baseOffset
        self.file = file
        self.openedAt = openedAt
        endOffset = baseOffset
        offsets = SparseIndex(path: directory + "/" + SegmentFileName.name(baseOffset, .offsetIndex))
        times = SparseIndex(path: directory + "/" + SegmentFileName.name(baseOffset, .timeIndex))
        transactions = TransactionIndex(path: directory + "/" + SegmentFileName.name(baseOffset, .transactionIndex))
    }

    var isEmpty: Bool { sizeBytes == 0 }

    var isSealed: Bool { offsets.isSealed }

    /// Notes a batch that stands at the end of the file now.
    mutating func note(_ header: RecordBatchHeader, indexIntervalBytes: Int) {
        if header.maxTimestamp.value >= 0 {
            if firstTimestamp == nil { firstTimestamp = header.maxTimestamp }
            if maxTimestamp.map({ header.maxTimestamp > $0 }) ?? true {
                maxTimestamp = header.maxTimestamp
                offsetOfMaxTimestamp = header.lastOffset
            }
        }
        if bytesSinceIndexEntry > indexIntervalBytes {
            offsets.append(OffsetEntry(relativeOffset: relative(header.lastOffset), position: Int32(sizeBytes)))
            appendTimeEntry()
            bytesSinceIndexEntry = 0
        }
        bytesSinceIndexEntry += header.sizeInBytes
        sizeBytes += Int64(header.sizeInBytes)
        endOffset = header.nextOffset
    }

    /// Notes a batch that was found on the disk.
    ///
    /// - Throws: `corrupt` where it can't stand behind what was found before it.
    mutating func noteFound(
        _ header: RecordBatchHeader, at position: Int64, indexIntervalBytes: Int
    ) throws(StorageError) {
        guard header.baseOffset >= endOffset, canHold(header.lastOffset) else {
            throw .corrupt(
                path: file.path, position: position,
                reason: "the batch at offset \(header.baseOffset) follows offset \(endOffset)")
        }
        note(header, indexIntervalBytes: indexIntervalBytes)
    }

    private mutating func appendTimeEntry() {
        guard let maxTimestamp, let offsetOfMaxTimestamp else { return }
        if let last = times.last, last.timestamp >= maxTimestamp.value { return }
        times.append(TimeEntry(timestamp: maxTimestamp.value, relativeOffset: relative(offsetOfMaxTimestamp)))
    }

    private func relative(_ offset: Offset) -> Int32 {
        precondition(canHold(offset), "offset \(offset) in the segment of \(baseOffset)")
        return Int32(offset - baseOffset)
    }

    /// Whether the offset can be told from the base offset in 32 bits, and is not the last of all.
    func canHold(_ offset: Offset) -> Bool {
        offset >= baseOffset && offset.value < .max && offset - baseOffset <= Int64(Int32.max)
    }

    /// Whether an entry of an index names an offset that a segment from `base` on can hold.
    private static func canHold(relative offset: Int32, _ base: Offset) -> Bool {
        offset >= 0 && Int64(offset) < Int64.max - base.value
    }

    // MARK: Sealing and reopening

    /// Writes the indexes; nothing may be appended afterwards.
    ///
    /// - Returns: the files that the next flush must cover.
    mutating func seal(in store: any FileStore, suffix: String = "") throws(FileError) -> [any File] {
        appendTimeEntry()
        var written: [any File] = [
            file, try offsets.seal(in: store, suffix: suffix), try times.seal(in: store, suffix: suffix),
        ]
        if !transactions.isSealed, let index = try transactions.seal(in: store, suffix: suffix) {
            written.append(index)
        }
        return written
    }

    /// The same segment after its files were renamed.
    func moved(to file: any File) -> LogSegment {
        var moved = self
        moved.file = SegmentFile(file, afterRenaming: self.file)
        return moved
    }

    /// The same segment after the directory of its files was renamed.
    func moved(to directory: String, _ file: any File) -> LogSegment {
        var moved = moved(to: file)
        moved.offsets.renamed(to: directory + "/" + SegmentFileName.name(baseOffset, .offsetIndex))
        moved.times.renamed(to: directory + "/" + SegmentFileName.name(baseOffset, .timeIndex))
        moved.transactions.renamed(to: directory + "/" + SegmentFileName.name(baseOffset, .transactionIndex))
        return moved
    }

    /// Takes a sealed segment as it is on the disk, of which nothing but the index ends is read; false when an index
    /// is missing or can't be right.
    mutating func adopt(sizeBytes size: Int64, endOffset end: Offset, in store: any FileStore) throws(FileError) -> Bool
    {
        let reach = end - baseOffset
        guard
            try offsets.adopt(
                in: store,
                isPlausible: {
                    (0..<reach).contains(Int64($0.relativeOffset)) && (0..<size).contains(Int64($0.position))
                }),
            try times.adopt(
                in: store, isPlausible: { (0..<reach).contains(Int64($0.relativeOffset)) && $0.timestamp >= 0 }),
            try transactions.adopt(within: baseOffset..<end, in: store),
            size == 0 || times.count > 0 || offsets.count == 0
        else { return false }
        sizeBytes = size
        endOffset = end
        if let last = times.last {
            maxTimestamp = Timestamp(last.timestamp)
            offsetOfMaxTimestamp = baseOffset + Int64(last.relativeOffset)
        }
        return true
    }

    /// Makes the segment writable at `size`: the indexes come into memory, cut to what stands before, and the batches
    /// behind the last index entry are walked over.
    mutating func reopen(
        sizeBytes size: Int64, in store: any FileStore, indexIntervalBytes: Int
    ) throws(StorageError) {
        let base = baseOffset
        do throws(FileError) {
            try offsets.reopen(in: store) {
                (0..<size).contains(Int64($0.position)) && LogSegment.canHold(relative: $0.relativeOffset, base)
            }
            let start = Int64(offsets.last?.position ?? 0)
            let lastIndexed = offsets.last.map { baseOffset + Int64($0.relativeOffset) }
            try times.reopen(in: store) { entry in
                LogSegment.canHold(relative: entry.relativeOffset, base)
                    && lastIndexed.map { base + Int64(entry.relativeOffset) <= $0 } ?? false
            }
            maxTimestamp = times.last.map { Timestamp($0.timestamp) }
            offsetOfMaxTimestamp = times.last.map { baseOffset + Int64($0.relativeOffset) }
            sizeBytes = start
        } catch { throw .file(error) }
        firstTimestamp = nil
        endOffset = baseOffset
        bytesSinceIndexEntry = 0
        var cursor = HeaderCursor(file, from: sizeBytes, to: size)
        while let (header, position) = try cursor.next() {
            try noteFound(header, at: position, indexIntervalBytes: indexIntervalBytes)
        }
        try transactions.reopen(endingBelow: endOffset, in: store)
        firstTimestamp = nil
        var first = HeaderCursor(file, from: 0, to: size)
        if let (header, _) = try first.next(), header.maxTimestamp.value >= 0 { firstTimestamp = header.maxTimestamp }
    }

    /// The same from nothing: every batch is noted.
    mutating func reset() {
        offsets = SparseIndex(path: offsets.path)
        times = SparseIndex(path: times.path)
        transactions = TransactionIndex(path: transactions.path)
        sizeBytes = 0
        endOffset = baseOffset
        maxTimestamp = nil
        offsetOfMaxTimestamp = nil
        firstTimestamp = nil
        bytesSinceIndexEntry = 0
    }

    // MARK: Finding

    /// The batch that contains `offset` or, where offsets have gaps, the first behind it; nil when all end before.
    ///
    /// No checksum covers a base offset: what is found must follow from the index and the batches before it.
    /// - Throws: `corrupt` when the batches on the way are not in the order that is known.
    func locate(_ offset: Offset, in store: any FileStore, _ order: BatchOrder) throws(StorageError) -> (
        header: RecordBatchHeader, position: Int64
    )? {
        let entry: OffsetEntry?
        do throws(FileError) {
            entry = try offsets.last(in: store) { baseOffset + Int64($0.relativeOffset) <= offset }
        } catch { throw .file(error) }
        if let entry, Int64(entry.position) >= sizeBytes {
            throw .corrupt(
                path: file.path, position: Int64(entry.position), reason: "its offset index leads behind its end")
        }
        var cursor = HeaderCursor(file, from: Int64(entry?.position ?? 0), to: sizeBytes)
        var end = entry == nil && order.startsAtBase ? baseOffset : nil
        while let found = try cursor.next() {
            let base = found.header.baseOffset
            let isSure = order.mayHaveGaps ? base <= offset : end != nil || entry != nil
            if let end { try expect(order.mayHaveGaps ? base >= end : base == end, found, "follows offset \(end)") }
            if end == nil, let entry, !order.mayHaveGaps {
                // Kafka before 4.0 names the end of all that was appended at once, which begins with this batch.
                let last = baseOffset + Int64(entry.relativeOffset)
                try expect(found.header.lastOffset <= last, found, "ends behind \(last), as the index says")
            }
            end = found.header.nextOffset
            guard found.header.nextOffset > offset else { continue }
            try expect(order.mayHaveGaps || base <= offset, found, "is the first that was found for offset \(offset)")
            if isSure { return found }
            // Nothing before it tells, so what follows must.
            let next = try cursor.next()?.header.baseOffset ?? endOffset
            let isNext = order.mayHaveGaps ? found.header.nextOffset <= next : found.header.nextOffset == next
            try expect(isNext, found, "does not end where the next begins, at \(next)")
            return found
        }
        guard order.mayHaveGaps || offset >= endOffset else {
            throw .corrupt(
                path: file.path, position: sizeBytes,
                reason: "its last batch ends below offset \(offset), and the segment at \(endOffset)")
        }
        return nil
    }

    private func expect(
        _ isSo: Bool, _ found: (header: RecordBatchHeader, position: Int64), _ otherwise: @autoclosure () -> String
    ) throws(StorageError) {
        guard !isSo else { return }
        throw .corrupt(
            path: file.path, position: found.position,
            reason: "the batch at offset \(found.header.baseOffset) \(otherwise())")
    }
}
