package import Primitives

#if MUTANTS
    import Mutants
#endif

extension LeaderReplica {
    /// The end of what a requester may read, exclusive. Read it once for each request (rule 11).
    ///
    /// - Parameter lastStable: the last stable offset of the log, or nil where no transaction is open.
    package func readEnd(for requester: Requester, lastStable: Offset?) -> Offset {
        #if MUTANTS
            if Mutant.uncommittedRead.isOn { return logEnd }
        #endif
        return switch requester {
        case .follower: logEnd
        case .consumer(readsCommittedOnly: false): highWatermark
        case .consumer(readsCommittedOnly: true): min(lastStable ?? highWatermark, highWatermark)
        }
    }

    /// Whether a position can be read at all.
    package enum Position: Hashable, Sendable {
        case readable(upTo: Offset)
        /// Between the bound and the log end: an empty answer, never an error (rule 9 b).
        case notYet
        case outOfRange
    }

    /// Judges a fetch position against the log and the requester's bound.
    package func position(_ offset: Offset, logStart: Offset, requester: Requester, lastStable: Offset?) -> Position {
        guard offset >= logStart, offset <= logEnd else { return .outOfRange }
        let end = readEnd(for: requester, lastStable: lastStable)
        #if MUTANTS
            if Mutant.uncommittedOutOfRange.isOn, offset > end { return .outOfRange }
        #endif
        return offset < end ? .readable(upTo: end) : .notYet
    }

    /// The first offset that some live replica still has: what lies below it is gone for good. Nil while a live
    /// follower has not fetched in this epoch.
    ///
    /// - Parameter logStart: the leader's own.
    package func lowWatermark(logStart: Offset) -> Offset? {
        var least = logStart
        for follower in followers {
            guard let life = follower.life, !life.isFenced else { continue }
            guard let start = follower.logStart else { return nil }
            least = min(least, start)
        }
        return least
    }

    /// The end offset that ListOffsets may name to a requester.
    ///
    /// - Errors: `OFFSET_NOT_AVAILABLE` to consumers while the watermark lags behind the epoch's start (KIP-207).
    package func latestOffset(for requester: Requester, lastStable: Offset?) throws(ReplicationError) -> Offset {
        if case .follower = requester { return logEnd }
        guard isHighWatermarkCurrent else { throw ReplicationError(.offsetNotAvailable) }
        return readEnd(for: requester, lastStable: lastStable)
    }

    /// What ListOffsets answers for a timestamp that was found at `found`, or nowhere.
    ///
    /// - Errors: `OFFSET_NOT_AVAILABLE` when the answer lies beyond what the requester may see and the watermark lags.
    package func offset(
        foundForTimestamp found: Offset?, requester: Requester, lastStable: Offset?
    ) throws(ReplicationError) -> Offset? {
        let end = readEnd(for: requester, lastStable: lastStable)
        if let found, found < end { return found }
        if case .consumer = requester, !isHighWatermarkCurrent { throw ReplicationError(.offsetNotAvailable) }
        return nil
    }
}
