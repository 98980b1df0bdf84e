package import Primitives
import WireProtocol
package import World

/// Opens one log: finds its segments, repairs what an unclean stop left, rebuilds what is derived.
struct LogOpener {
    let directory: String
    let files: any FileStore
    let configuration: LogConfiguration
    let start: RecoveryStart
    let now: Timestamp
    private(set) var report = RecoveryReport()
    /// Everything below it was flushed; recovery scans the segments that reach behind it.
    private var recoveryPoint = Offset.zero
    /// What was read from the epochs' checkpoint; nil where there is none, or it is damaged.
    private var savedEpochs: LeaderEpochs?
    private var epochs = EpochScan(saved: nil)
    /// Whether offsets may be missing because compaction removed them.
    private var hasGaps = false
    /// Files that recovery shortened: the cut must be durable before other records stand there.
    private var cutFiles: [any File] = []
    /// What bounds the recovery point of a log that is made now.
    private var firstLimit: (any File)?
    /// Where the first scanned segment starts; nil when nothing was scanned.
    private var scannedFrom: Offset?
    /// The segments of which no index is believed.
    private var unindexed: Set<Offset> = []

    init(
        directory: String, files: any FileStore, configuration: LogConfiguration, start: RecoveryStart, now: Timestamp
    ) {
        self.directory = directory
        self.files = files
        self.configuration = configuration
        self.start = start
        self.now = now
    }

    mutating func open() throws(StorageError) -> PartitionLog {
        try onDisk { () throws(FileError) in
            if !files.exists(directory) { try files.createDirectory(directory) }
        }
        var swaps = SwapRecovery(directory: directory, files: files)
        try swaps.run()
        report.finishedSwaps = swaps.finished
        hasGaps =
            GapMarker.exists(in: directory, files) || configuration.isCompacted || start.cleanedEndOffset > .zero
        let limit = try onDisk { () throws(FileError) in try RecoveryLimit.read(in: directory, files) }
        recoveryPoint = min(start.recoveryPoint, limit ?? start.recoveryPoint)
        try readEpochs()
        let segments = try loadSegments()
        report.segments = segments.count
        var log = PartitionLog(
            directory: directory, configuration: configuration, files: files,
            logStartOffset: max(start.logStartOffset, segments[0].baseOffset), segments: segments)
        log.hasRecoveryLimit = limit != nil || firstLimit != nil
        // The log may end before its recorded start: the start was raised and the suffix lost.
        if log.logStartOffset > log.logEndOffset { log.logStartOffset = segments[0].baseOffset }
        log.hasGaps = GapMarker.exists(in: directory, files)
        log.cleanedEndOffset = min(start.cleanedEndOffset, log.logEndOffset)
        try loadEpochs(into: &log)
        try loadProducers(into: &log)
        if let firstLimit {
            log.ledger.add([firstLimit])
            log.ledger.addDirectory(directory)
            log.ledger.addDirectory(parent(of: directory))
        } else if !start.wasCleanShutdown {
            // What recovery read may stand in the page cache only: it counts as flushed after this.
            log.flushedEndOffset = min(log.flushedEndOffset, recoveryPoint)
            log.ledger.add(log.segments.filter { $0.endOffset > recoveryPoint }.map(\.file))
            log.ledger.add(cutFiles)
            log.ledger.addDirectory(directory)
            try log.flush()
        }
        return log
    }

    // MARK: Segments

    private mutating func loadSegments() throws(StorageError) -> [LogSegment] {
        let bases = try segmentBases()
        var segments: [LogSegment] = []
        for (index, base) in bases.enumerated() {
            let next = index + 1 < bases.count ? bases[index + 1] : nil
            // A segment that ends at the recovery point was flushed, but its indexes perhaps not.
            let mustScan = !start.wasCleanShutdown && (next.map { $0 >= recoveryPoint } ?? true)
            let segment = mustScan ? try scan(base, next) : try adopt(base, next)
            segments.append(segment)
            if mustScan, let next, segment.endOffset != next, isCut(segment, next) {
                try removeSegments(Array(bases[(index + 1)...]))
                break
            }
        }
        return segments.isEmpty ? [try createFirstSegment()] : try activateLast(segments)
    }

    /// Begins a new log. Its recovery point is bounded first: a deleted partition of this name may have left its own in
    /// the checkpoint, and this log would be found to miss records that it never had.
    private mutating func createFirstSegment() throws(StorageError) -> LogSegment {
        let base = start.logStartOffset
        firstLimit = try onDisk { () throws(FileError) in try RecoveryLimit.create(base, in: directory, files) }
        let file = try onDisk { () throws(FileError) in try files.openSegment(path(base, .log), .replace) }
        return LogSegment(baseOffset: base, file: file, directory: directory, openedAt: now)
    }

    /// A segment that ends before the next starts lost its tail, unless compaction makes gaps.
    private func isCut(_ segment: LogSegment, _ next: Offset) -> Bool {
        report.truncatedBytes > 0 || !hasGaps || segment.endOffset > next
    }

    private mutating func segmentBases() throws(StorageError) -> [Offset] {
        let entries = try onDisk { () throws(FileError) in try files.list(directory) }
        var bases: [Offset] = []
        for entry in entries where !entry.isDirectory {
            if SegmentFileName.isLeftover(entry.name) {
                try onDisk { () throws(FileError) in try files.remove(directory + "/" + entry.name) }
            } else if let base = SegmentFileName.parse(entry.name, .log) {
                bases.append(base)
            }
        }
        return bases.sorted()
    }

    /// Takes a segment below the recovery point or of a clean log as it is; an index that is missing or can't be right
    /// is made anew.
    private mutating func adopt(_ base: Offset, _ next: Offset?) throws(StorageError) -> LogSegment {
        let file = try onDisk { () throws(FileError) in try files.openSegment(path(base, .log), .readWrite) }
        let size = try onDisk { () throws(FileError) in try file.size() }
        var segment = LogSegment(baseOffset: base, file: file, directory: directory, openedAt: now)
        let end = next ?? Offset(Int64.max)
        let isTrusted = try onDisk { () throws(FileError) in
            try segment.adopt(sizeBytes: size, endOffset: end, in: files)
        }
        if isTrusted { return segment }
        segment.reset()
        unindexed.insert(base)
        if size > 0 { report.rebuiltIndexes += 1 }
        var cursor = HeaderCursor(file, from: 0, to: size)
        while let (header, position) = try cursor.next() {
            try segment.noteFound(header, at: position, indexIntervalBytes: configuration.indexIntervalBytes)
        }
        if let next {
            segment.endOffset = next
            _ = try onDisk { () throws(FileError) in try segment.seal(in: files) }
        }
        return segment
    }

    /// Reads a whole segment, compares every checksum, and cuts off what is torn behind the recovery point.
    private mutating func scan(_ base: Offset, _ next: Offset?) throws(StorageError) -> LogSegment {
        let file = try onDisk { () throws(FileError) in try files.openSegment(path(base, .log), .readWrite) }
        let size = try onDisk { () throws(FileError) in try file.size() }
        var segment = LogSegment(baseOffset: base, file: file, directory: directory, openedAt: now)
        if scannedFrom == nil { scannedFrom = base }
        unindexed.insert(base)
        report.rebuiltIndexes += 1
        let epochsBefore = epochs
        var gap: (position: Int64, start: Offset)?
        var cursor = BatchCursor(file, to: size, reusesWindow: true)
        scanning: while true {
            switch try onDisk({ () throws(FileError) in try cursor.next() }) {
            case .batch(let header, _, let position):
                epochs.meet(header)
                let isInOrder = follows(header, segment)
                if !isInOrder, let gap, gap.start <= header.baseOffset, header.baseOffset < segment.endOffset {
                    // What fits into the gap says that there is none: the base offset behind it, which no checksum
                    // covers, is another than was written.
                    let reason = "the batch here follows offset \(gap.start), and not offset \(header.baseOffset)"
                    segment.endOffset = gap.start
                    try cut(&segment, at: gap.position, size: size, reason: reason)
                    epochs = epochsBefore
                    report.rebuiltIndexes -= 1
                    return try scan(base, next)
                }
                if header.baseOffset > segment.endOffset { gap = (position, segment.endOffset) }
                guard isInOrder, next.map({ header.nextOffset <= $0 }) ?? true else {
                    let reason = "the batch at offset \(header.baseOffset) follows offset \(segment.endOffset)"
                    try cut(&segment, at: position, size: size, reason: reason)
                    break scanning
                }
                segment.note(header, indexIntervalBytes: configuration.indexIntervalBytes)
                epochs.note(header)
            case .broken(let position, let reason):
                try cut(&segment, at: position, size: size, reason: reason)
                break scanning
            case .end: break scanning
            }
        }
        report.scannedBytes += segment.sizeBytes
        let mustReach = min(recoveryPoint, next ?? recoveryPoint)
        // The last batch of a log always stays; before the next segment there may be a gap.
        guard segment.endOffset >= mustReach || hasGaps && next != nil else {
            throw .corrupt(
                path: file.path, position: segment.sizeBytes,
                reason: "the file ends with offset \(segment.endOffset), though all below \(mustReach) was flushed")
        }
        return segment
    }

    /// Whether a batch can stand behind what was scanned before it. An epoch that falls is what an older history left
    /// behind a torn write.
    private func follows(_ header: RecordBatchHeader, _ segment: LogSegment) -> Bool {
        let isNext =
            hasGaps
            ? header.baseOffset >= segment.endOffset : header.baseOffset == segment.endOffset
        return isNext && segment.canHold(header.lastOffset)
            && epochs.allows(header)
    }

    private mutating func cut(
        _ segment: inout LogSegment, at position: Int64, size: Int64, reason: String
    ) throws(StorageError) {
        guard segment.endOffset >= recoveryPoint else {
            throw .corrupt(
                path: segment.file.path, position: position,
                reason: "\(reason), though everything below offset \(recoveryPoint) was flushed")
        }
        report.truncatedBytes += size - position
        let file = segment.file
        try onDisk { () throws(FileError) in try file.truncate(to: position) }
        cutFiles.append(file)
    }

    private mutating func removeSegments(_ bases: [Offset]) throws(StorageError) {
        // From the end, so that a crash in between leaves no gap.
        for base in bases.reversed() {
            report.removedSegments += 1
            for kind in SegmentFileName.Kind.allCases where files.exists(path(base, kind)) {
                try onDisk { () throws(FileError) in try files.remove(path(base, kind)) }
            }
        }
    }

    /// Seals what was scanned but the last segment, and makes that one writable.
    private mutating func activateLast(_ loaded: [LogSegment]) throws(StorageError) -> [LogSegment] {
        var segments = loaded
        let last = segments.count - 1
        for index in 0..<last where !segments[index].isSealed {
            let sealed = try onDisk { () throws(FileError) in try segments[index].seal(in: files) }
            for file in sealed.dropFirst() { try onDisk { () throws(FileError) in try file.synchronize() } }
        }
        if segments[last].isSealed {
            let file = segments[last].file
            let size = try onDisk { () throws(FileError) in try file.size() }
            try segments[last].reopen(
                sizeBytes: size, in: files, indexIntervalBytes: configuration.indexIntervalBytes)
        }
        return segments
    }

    // MARK: What is derived

    private var epochsPath: String { directory + "/" + LeaderEpochs.fileName }

    private mutating func readEpochs() throws(StorageError) {
        guard files.exists(epochsPath) else { return }
        savedEpochs = LeaderEpochs(encoded: try onDisk { () throws(FileError) in try files.readAll(epochsPath) })
        if savedEpochs == nil { report.ignoredFiles.append(epochsPath) }
        epochs = EpochScan(saved: savedEpochs)
    }

    private mutating func loadEpochs(into log: inout PartitionLog) throws(StorageError) {
        epochs.end()
        if let saved = savedEpochs, try knowsLastEpoch(saved, log) {
            log.epochs = saved
            log.ledger.epochsAreSaved(saved.version)
            if let scannedFrom { log.epochs.truncateFromEnd(max(scannedFrom, recoveryPoint)) }
        } else {
            if savedEpochs != nil { report.ignoredFiles.append(epochsPath) }
            epochs = EpochScan(saved: savedEpochs)
            for segment in log.segments {
                var cursor = HeaderCursor(segment.file, from: 0, to: segment.sizeBytes)
                while let (header, _) = try cursor.next() {
                    epochs.meet(header)
                    epochs.note(header)
                }
            }
            epochs.end()
        }
        for entry in epochs.entries where log.epochs.latest.map({ $0.epoch < entry.epoch }) ?? true {
            log.epochs.assign(entry.epoch, startOffset: entry.startOffset)
        }
        log.epochs.truncateFromEnd(log.logEndOffset)
        log.epochs.truncateFromStart(log.logStartOffset)
    }

    /// Whether a checkpoint is as new as the log: it knows the epoch of the last batch that was not scanned. A flush
    /// that was under way during a stop can leave an older one.
    private func knowsLastEpoch(_ saved: LeaderEpochs, _ log: PartitionLog) throws(StorageError) -> Bool {
        let end = scannedFrom ?? log.logEndOffset
        guard end > log.segments[0].baseOffset else { return true }
        let segment = log.segments[log.segmentIndex(of: Offset(end.value - 1))]
        do throws(StorageError) {
            guard let (header, _) = try segment.locate(Offset(end.value - 1), in: files, .ascending),
                let epoch = header.stampedEpoch, header.lastOffset >= log.logStartOffset
            else { return true }
            return saved.epoch(at: header.lastOffset) == epoch
        } catch .corrupt {
            // Then each batch is asked.
            return false
        }
    }

    private mutating func loadProducers(into log: inout PartitionLog) throws(StorageError) {
        // After an unclean stop a snapshot behind the recovery point may tell of records that are lost.
        let limit = start.wasCleanShutdown ? log.logEndOffset : min(recoveryPoint, log.logEndOffset)
        try onDisk { () throws(FileError) in try log.dropProducerSnapshots(behind: limit) }
        // Who aborted what in a segment is found out by a replay from its start on, and which marker is not committed
        // by a replay from before it: a snapshot tells neither.
        let marker = try start.highWatermark.flatMap { (watermark) throws(StorageError) in
            try log.firstMarker(from: watermark, below: limit)
        }
        let replay = try log.reloadProducers(notBehind: min(limit, unindexed.min() ?? limit, marker ?? limit))
        report.replayedBatches = replay.replayed
        report.ignoredFiles += replay.damaged
        for index in log.segments.indices where unindexed.contains(log.segments[index].baseOffset) {
            let offsets = log.segments[index].baseOffset..<log.segments[index].endOffset
            let aborted = replay.aborted.filter { offsets.contains($0.lastOffset) }
            try onDisk { () throws(FileError) in
                try log.segments[index].transactions.replace(with: aborted, in: files)?.synchronize()
            }
        }
    }

    private func path(_ base: Offset, _ kind: SegmentFileName.Kind) -> String {
        directory + "/" + SegmentFileName.name(base, kind)
    }

    private func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func onDisk<Result>(_ body: () throws(FileError) -> Result) throws(StorageError) -> Result {
        do throws(FileError) { return try body() } catch { throw .file(error) }
    }
}

extension PartitionLog {
    /// Opens the log in `directory`, making it where it is missing, and repairs what an unclean stop left.
    ///
    /// Blocks: for the pool. After an unclean stop every segment that reaches behind the recovery point is read, each
    /// checksum compared; a torn tail is cut off, indexes and producer state are rebuilt, and what is left is flushed.
    /// - Throws: `corrupt` when what was flushed before is damaged; nothing is shortened then.
    package static func open(
        directory: String, files: any FileStore, configuration: LogConfiguration, start: RecoveryStart, now: Timestamp
    ) throws(StorageError) -> (log: PartitionLog, report: RecoveryReport) {
        var opener = LogOpener(
            directory: directory, files: files, configuration: configuration, start: start, now: now)
        let log = try opener.open()
        return (log, opener.report)
    }
}
