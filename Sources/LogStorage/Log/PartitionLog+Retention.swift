package import Primitives
import World

extension PartitionLog {
    /// Drops the segments that retention no longer keeps, never one that reaches above `highWatermark`.
    ///
    /// - Returns: the files, renamed to `.deleted`, for the pool to remove after `file.delete.delay.ms`.
    package mutating func enforceRetention(
        highWatermark: Offset, now: Timestamp
    ) throws(StorageError) -> [SegmentRemoval] {
        try checkOnline()
        guard configuration.isDeletedByRetention else { return try dropSegmentsBelowLogStart() }
        var dropped = try dropSegmentsBelowLogStart()
        // The active segment goes too when all of it is old: it is rolled first.
        if isExpired(segments[activeIndex], now), logEndOffset <= highWatermark,
            segments.allSatisfy({ isExpired($0, now) })
        {
            try roll(now: now)
        }
        var surplus = configuration.retentionBytes.map { sizeBytes - $0 } ?? 0
        while segments.count > 1, segments[1].baseOffset <= highWatermark {
            let oldest = segments[0]
            let isSurplus = configuration.retentionBytes != nil && surplus - oldest.sizeBytes >= 0
            guard isExpired(oldest, now) || isSurplus else { break }
            surplus -= oldest.sizeBytes
            dropped.append(try dropOldestSegment())
        }
        return dropped
    }

    /// Records below `offset` are gone (DeleteRecords, a leader that begins later, a metadata snapshot).
    ///
    /// - Returns: the files of segments wholly below it, to be removed.
    package mutating func incrementLogStartOffset(to offset: Offset) throws(StorageError) -> [SegmentRemoval] {
        try checkOnline()
        guard offset <= logEndOffset else {
            throw .offsetOutOfRange(requested: offset, start: logStartOffset, end: logEndOffset)
        }
        guard offset > logStartOffset else { return [] }
        logStartOffset = offset
        epochs.truncateFromStart(offset)
        return try dropSegmentsBelowLogStart()
    }

    /// Forgets producers that wrote nothing for `producer.id.expiration.ms`, by the times of their records and by the
    /// calls of this function since the log was opened.
    ///
    /// - Parameter instant: now, on the node's monotonic clock.
    package mutating func expireProducers(now: Timestamp, at instant: MonotonicInstant) {
        producers.expire(
            now: now, at: instant, silenceMilliseconds: configuration.producerExpirationMilliseconds)
    }

    private func isExpired(_ segment: LogSegment, _ now: Timestamp) -> Bool {
        guard let limit = configuration.retentionMilliseconds, !segment.isEmpty else { return false }
        let newest = segment.maxTimestamp ?? segment.openedAt
        let (age, isOverflow) = now.value.subtractingReportingOverflow(newest.value)
        return !isOverflow && age > limit
    }

    private mutating func dropSegmentsBelowLogStart() throws(StorageError) -> [SegmentRemoval] {
        var dropped: [SegmentRemoval] = []
        while segments.count > 1, segments[1].baseOffset <= logStartOffset { dropped.append(try dropOldestSegment()) }
        return dropped
    }

    private mutating func dropOldestSegment() throws(StorageError) -> SegmentRemoval {
        let base = segments[0].baseOffset
        var renamed: [String] = []
        do throws(FileError) {
            for kind in SegmentFileName.Kind.allCases where files.exists(path(base, kind)) {
                let target = path(base, kind) + SegmentFileName.deletedSuffix
                try files.rename(path(base, kind), to: target)
                renamed.append(target)
            }
        } catch { throw failed(error) }
        ledger.addDirectory(directory)
        segments.removeFirst()
        logStartOffset = max(logStartOffset, segments[0].baseOffset)
        epochs.truncateFromStart(logStartOffset)
        return SegmentRemoval(paths: renamed)
    }
}
