package import Primitives
import WireProtocol
package import World

/// One compaction of one log, in steps: first the keys of its dirty part go into a map, then each group of segments is
/// written anew without what the map supersedes.
///
/// It reads through file handles of its own and takes no lock. All of it blocks: for the pool.
package struct LogCompaction: Sendable {
    /// What it may use.
    package struct Limits: Hashable, Sendable {
        /// Of the map.
        package var mapBytes: Int
        /// How full the map may be, from 0 to 1.
        package var mapLoad: Double
        /// Read and written at a time.
        package var bufferBytes: Int

        package init(mapBytes: Int, mapLoad: Double, bufferBytes: Int) {
            self.mapBytes = mapBytes
            self.mapLoad = mapLoad
            self.bufferBytes = bufferBytes
        }
    }

    /// What it did.
    package struct Figures: Hashable, Sendable {
        package var bytesMapped: Int64 = 0
        package var bytesRead: Int64 = 0
        package var bytesWritten: Int64 = 0
        package var recordsRead: Int64 = 0
        package var recordsKept: Int64 = 0
        package var keylessRecords: Int64 = 0
        /// From 0 to 1.
        package var mapUtilization = 0.0
    }

    /// What a step came to.
    package enum Progress: Sendable {
        /// There is more to do; so many bytes were read and written.
        case working(bytes: Int64)
        /// A segment is ready to be put into the log; then it goes on.
        case cleaned(CleanedSegment)
        /// All below this offset is compacted.
        case finished(upTo: Offset)
    }

    private enum Stage {
        case mapping
        case cleaning
    }

    private let source: CompactionSource
    private let files: any FileStore
    private let limits: Limits
    private let now: Timestamp
    private let secret: KeyHash.Secret
    package private(set) var figures = Figures()
    private var stage = Stage.mapping
    private var map: KeyOffsetMap
    private var outcomes = TransactionOutcomes()
    /// Where the outcomes were read from; nil where no batch asked for them.
    private var outcomesFrom: Offset?
    /// The segment that is read.
    private var reading: SegmentReader?
    private var nextSegment = 0
    private var groups: [ArraySlice<CompactionSource.Segment>] = []
    private var writing: CleanedWriter?
    private var filter: BatchFilter?

    /// - Parameter secret: fresh random bits.
    package init(
        _ source: CompactionSource, files: any FileStore, limits: Limits, secret: KeyHash.Secret, now: Timestamp
    ) {
        self.source = source
        self.files = files
        self.limits = limits
        self.now = now
        self.secret = secret
        map = KeyOffsetMap(
            memoryBytes: limits.mapBytes, load: limits.mapLoad, keysMax: source.firstUncleanable - source.firstDirty,
            secret: secret)
        nextSegment = source.segments.firstIndex { $0.endOffset > source.firstDirty } ?? source.segments.count
    }

    /// Goes on for about `bytes`.
    ///
    /// - Throws: `corrupt` for a damaged batch; `file` with `notFound` when the log has changed under it.
    package mutating func step(bytes: Int64) throws(StorageError) -> Progress {
        switch stage {
        case .mapping: try mapSome(bytes)
        case .cleaning: try cleanSome(bytes)
        }
    }

    /// Removes what was written and not put into the log.
    package mutating func discard() {
        reading?.file.close()
        reading = nil
        writing?.discard(files)
        writing = nil
    }

    // MARK: Reading

    /// The next batch of the segment that is read; nil at its end.
    private mutating func nextBatch() throws(StorageError) -> (batch: RecordBatch, isLast: Bool)? {
        guard let batch = try reading?.next() else { return nil }
        return (batch, reading?.isAtEnd ?? true)
    }

    private mutating func openNext() throws(StorageError) {
        reading = try SegmentReader(source.segments[nextSegment], files, windowBytes: limits.bufferBytes)
    }

    private mutating func closeReading() {
        reading?.file.close()
        reading = nil
        nextSegment += 1
    }

    // MARK: Mapping

    private mutating func mapSome(_ bytes: Int64) throws(StorageError) -> Progress {
        var done: Int64 = 0
        while done < bytes {
            if reading == nil {
                guard nextSegment < source.segments.count else { return beginCleaning(read: done) }
                try openNext()
            }
            guard let (batch, _) = try nextBatch() else {
                // Where offsets have a gap before the next segment.
                map.reached(source.segments[nextSegment].endOffset)
                closeReading()
                continue
            }
            done += Int64(batch.sizeInBytes)
            guard try put(batch) else {
                figures.bytesMapped += done
                return beginCleaning(read: done)
            }
        }
        figures.bytesMapped += done
        return .working(bytes: done)
    }

    /// Puts the keys of a batch; false when the map is full.
    private mutating func put(_ batch: RecordBatch) throws(StorageError) -> Bool {
        let header = batch.header
        guard header.nextOffset > source.firstDirty else { return true }
        if header.attributes.isControl || header.recordCount == 0 {
            map.reached(header.nextOffset)
            return true
        }
        if header.attributes.isTransactional {
            try readOutcomes(from: header.baseOffset)
            if outcomes.isAborted(header) {
                map.reached(header.nextOffset)
                return true
            }
        }
        for record in try records(of: batch) where record.offset >= source.firstDirty {
            guard let key = record.key else { continue }
            guard map.put(key, record.offset) else { return false }
            map.reached(record.offset + 1)
        }
        map.reached(header.nextOffset)
        return true
    }

    private func records(of batch: RecordBatch) throws(StorageError) -> [StoredRecord] {
        do throws(RecordBatchError) {
            return try batch.storedRecords(decompressedMaxBytes: BatchFilter.decompressedBytesMax)
        } catch { throw corrupt(batch, error) }
    }

    private func corrupt(_ batch: RecordBatch, _ error: RecordBatchError) -> StorageError {
        let (path, position) = reading.map { ($0.segment.path, $0.position) } ?? ("", 0)
        return .corrupt(
            path: path, position: position - Int64(batch.sizeInBytes),
            reason: "\(error), in the batch at offset \(batch.header.baseOffset)")
    }

    /// Learns how the transactions from the first transactional batch on ended: their markers may stand behind the part
    /// that is compacted.
    private mutating func readOutcomes(from offset: Offset) throws(StorageError) {
        guard outcomesFrom == nil, let reading else { return }
        outcomesFrom = offset
        try outcomes.read(reading.file, from: reading.position, to: reading.segment.sizeBytes)
        for segment in source.segments[(nextSegment + 1)...] + source.later {
            let file: SegmentFile
            do throws(FileError) { file = try files.openSegment(segment.path, .read) } catch { throw .file(error) }
            defer { file.close() }
            try outcomes.read(file, from: 0, to: segment.sizeBytes)
        }
    }

    // MARK: Cleaning

    private mutating func beginCleaning(read bytes: Int64) -> Progress {
        reading?.file.close()
        reading = nil
        stage = .cleaning
        nextSegment = 0
        figures.mapUtilization = map.utilization
        groups = source.groups(upTo: map.endOffset ?? source.firstDirty)
        let horizon = now.value.addingReportingOverflow(source.configuration.deleteRetentionMilliseconds)
        filter = BatchFilter(
            map: map, outcomes: outcomes, outcomesFrom: outcomesFrom ?? Offset(Int64.max),
            lastRecords: LogCompaction.lastRecords(source.producers), now: now,
            newHorizon: Timestamp(horizon.overflow ? Int64.max : horizon.partialValue))
        return .working(bytes: bytes)
    }

    private static func lastRecords(_ states: ProducerStates) -> [ProducerID: BatchFilter.LastRecord] {
        var last: [ProducerID: BatchFilter.LastRecord] = [:]
        for id in states.ids {
            guard let state = states[id] else { continue }
            last[id] = BatchFilter.LastRecord(dataOffset: state.batches.last?.lastOffset, epoch: state.epoch)
        }
        return last
    }

    private mutating func cleanSome(_ bytes: Int64) throws(StorageError) -> Progress {
        var done: Int64 = 0
        while done < bytes {
            guard let group = groups.first else { return .finished(upTo: map.endOffset ?? source.firstDirty) }
            if writing == nil { writing = try CleanedWriter(group, source, files) }
            if reading == nil {
                guard source.segments[nextSegment].baseOffset <= group[group.endIndex - 1].baseOffset else {
                    preconditionFailure("a group is read beyond its end")
                }
                try openNext()
            }
            let isInLast = nextSegment == group.endIndex - 1
            guard let (batch, isLast) = try nextBatch() else {
                closeReading()
                guard isInLast else { continue }
                groups.removeFirst()
                if let cleaned = try finishGroup(group) { return .cleaned(cleaned) }
                continue
            }
            done += Int64(batch.sizeInBytes)
            done += try clean(batch, mustStay: isInLast && isLast)
        }
        return .working(bytes: done)
    }

    /// - Returns: the bytes written.
    private mutating func clean(_ batch: RecordBatch, mustStay: Bool) throws(StorageError) -> Int64 {
        figures.bytesRead += Int64(batch.sizeInBytes)
        let verdict: BatchFilter.Verdict?
        do throws(RecordBatchError) { verdict = try filter?.judge(batch, mustStay: mustStay) } catch {
            throw corrupt(batch, error)
        }
        figures.recordsRead = filter?.recordsRead ?? 0
        figures.recordsKept = filter?.recordsKept ?? 0
        figures.keylessRecords = filter?.keylessRecords ?? 0
        switch verdict {
        case .drop, nil:
            writing?.dropped()
            return 0
        case .keep: return try write(batch.bytes, isChanged: false)
        case .replace(let bytes): return try write(bytes, isChanged: true)
        }
    }

    private mutating func write(_ bytes: Bytes, isChanged: Bool) throws(StorageError) -> Int64 {
        try writing?.write(bytes, isChanged: isChanged, bufferBytes: limits.bufferBytes)
        figures.bytesWritten += Int64(bytes.count)
        return Int64(bytes.count)
    }

    private mutating func finishGroup(
        _ group: ArraySlice<CompactionSource.Segment>
    ) throws(StorageError) -> CleanedSegment? {
        guard var writer = writing else { return nil }
        writing = nil
        // Nothing would be won.
        guard writer.isWorthIt else {
            writer.discard(files)
            return nil
        }
        let segment = try writer.finish(files)
        return CleanedSegment(segment: segment, replaced: Array(group), generation: source.generation)
    }
}
