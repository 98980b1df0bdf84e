package import Primitives
import World

extension PartitionLog {
    /// Starts a new segment if the active one is due by size or age.
    package mutating func rollIfDue(now: Timestamp) throws(StorageError) {
        try checkOnline()
        let active = segments[activeIndex]
        let isDue = active.sizeBytes >= configuration.segmentBytes || isAged(active, newest: now, now)
        if !active.isEmpty, isDue { try roll(at: logEndOffset, now: now) }
    }

    /// Starts a new segment at the log end; nothing happens when the active one is empty.
    package mutating func roll(now: Timestamp) throws(StorageError) {
        try checkOnline()
        if !segments[activeIndex].isEmpty { try roll(at: logEndOffset, now: now) }
    }

    /// Whether batches of `byteCount` bytes that end with `lastOffset` need a new segment, `staged` bytes being already
    /// on their way into the active one.
    func mustRoll(
        for newest: Timestamp, _ lastOffset: Offset, _ byteCount: Int, _ staged: Int64, _ now: Timestamp
    ) -> Bool {
        let active = segments[activeIndex]
        let size = active.sizeBytes + staged
        // An empty segment takes anything its offsets can express.
        guard size > 0 else { return !active.canHold(lastOffset) }
        let limit = min(configuration.segmentBytes, Int64(Int32.max))
        return size > limit - Int64(byteCount) || isAged(active, newest: newest, now) || isFull(active)
            || !active.canHold(lastOffset)
    }

    private func isFull(_ segment: LogSegment) -> Bool {
        segment.offsets.byteCount > configuration.indexSizeMaxBytes - 8
            || segment.times.byteCount > configuration.indexSizeMaxBytes - 24
    }

    /// Age is counted in record time from the segment's first batch; by the wall clock where records have none.
    private func isAged(_ segment: LogSegment, newest: Timestamp, _ now: Timestamp) -> Bool {
        let whole =
            configuration.isCompacted
            ? min(configuration.segmentMilliseconds, configuration.maxCompactionLagMilliseconds)
            : configuration.segmentMilliseconds
        let limit = whole - configuration.segmentJitterMilliseconds
        let reached = segment.firstTimestamp != nil && newest.value >= 0 ? newest : now
        let began = segment.firstTimestamp ?? segment.openedAt
        let (age, isOverflow) = reached.value.subtractingReportingOverflow(began.value)
        return !isOverflow && age > limit
    }

    /// Seals the active segment, snapshots the producers, opens the next.
    mutating func roll(at base: Offset, now: Timestamp) throws(StorageError) {
        let active = activeIndex
        do throws(FileError) {
            if segments[active].isEmpty {
                // Nothing in it, but its base offset no longer serves: it goes.
                try removeFiles(of: segments[active].baseOffset)
                segments.removeLast()
            } else {
                ledger.add(try segments[active].seal(in: files))
                try snapshotProducers(at: base)
            }
            let file = try files.openSegment(path(base, .log), .replace)
            segments.append(LogSegment(baseOffset: base, file: file, directory: directory, openedAt: now))
            ledger.addDirectory(directory)
        } catch { throw failed(error) }
        recent.removeAll()
    }

    /// Writes producer state as it is at `offset`, to be made durable with the next flush.
    mutating func snapshotProducers(at offset: Offset) throws(FileError) {
        if producerSnapshotOffset == offset { return }
        let file = try files.open(path(offset, .producerSnapshot), .replace)
        try file.write([Bytes(ProducerSnapshot.encode(producers))], at: 0)
        ledger.add([file])
        ledger.addDirectory(directory)
        producerSnapshotOffset = offset
    }

    /// Removes all files of a segment at once; for one that holds nothing anybody may still read.
    func removeFiles(of base: Offset) throws(FileError) {
        for kind in SegmentFileName.Kind.allCases where files.exists(path(base, kind)) {
            try files.remove(path(base, kind))
        }
    }
}
