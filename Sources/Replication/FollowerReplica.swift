package import Primitives

#if MUTANTS
    import Mutants
#endif

/// A partition as one of its followers sees it: from whom it fetches, whether it may, and how far records are
/// committed.
///
/// - Invariant: the high watermark is never above the log end, moves only by replies that match this epoch and
///   position, and never by a reply that names a divergence (rule 3).
package struct FollowerReplica: Sendable {
    /// Where the next fetch starts.
    package struct Position: Hashable, Sendable {
        /// The log end.
        package var offset: Offset
        /// The epoch of the record before it; nil for an empty log.
        package var lastEpoch: LeaderEpoch?
        package var leaderEpoch: LeaderEpoch

        package init(offset: Offset, lastEpoch: LeaderEpoch?, leaderEpoch: LeaderEpoch) {
            self.offset = offset
            self.lastEpoch = lastEpoch
            self.leaderEpoch = leaderEpoch
        }
    }

    /// The part of a leader's reply that the rules look at.
    package struct Reply: Hashable, Sendable {
        package var error: ErrorCode
        package var highWatermark: Offset?
        package var logStart: Offset?
        package var divergence: EpochEnd?
        package var hasRecords: Bool

        package init(
            error: ErrorCode, highWatermark: Offset?, logStart: Offset?, divergence: EpochEnd?, hasRecords: Bool
        ) {
            self.error = error
            self.highWatermark = highWatermark
            self.logStart = logStart
            self.divergence = divergence
            self.hasRecords = hasRecords
        }
    }

    /// What the shell does with a reply.
    package enum Step: Hashable, Sendable {
        /// It was for a position or an epoch that is over.
        case ignore
        /// Append what came, then call `appended`. The leader's watermark and log start come along.
        case append(leaderHighWatermark: Offset?, leaderLogStart: Offset?)
        /// Find the cut with `cut(for:own:logEnd:)` and truncate.
        case truncate(EpochEnd)
        /// Drop the whole log and start again at the leader's log start.
        case restart(at: Offset)
        /// Ask the leader where its log starts (ListOffsets), then restart there.
        case askLogStart
        /// Nothing to do before newer metadata comes.
        case waitForMetadata
        /// The same again after a pause.
        case retry(after: ErrorCode)
    }

    package let leader: BrokerID?
    package let leaderEpoch: LeaderEpoch
    package private(set) var highWatermark: Offset
    private var isWaitingForMetadata = false

    package init(assignment: PartitionAssignment, highWatermark: Offset, logEnd: Offset) {
        leader = assignment.leader
        leaderEpoch = assignment.leaderEpoch
        self.highWatermark = min(highWatermark, logEnd)
    }

    /// Whether to fetch at all.
    package var mayFetch: Bool { leader != nil && !isWaitingForMetadata }

    /// The next position, given the log end and the log's latest epoch.
    package func position(end: Offset, lastEpoch: LeaderEpoch?) -> Position {
        Position(offset: end, lastEpoch: lastEpoch, leaderEpoch: leaderEpoch)
    }

    /// Judges a reply to the fetch that was sent from `asked`, while the log now stands at `current`.
    package mutating func received(_ reply: Reply, asked: Position, current: Position) -> Step {
        guard asked == current, asked.leaderEpoch == leaderEpoch, mayFetch else { return .ignore }
        switch reply.error {
        case .noError:
            #if MUTANTS
                if Mutant.divergenceMovesWatermark.isOn, reply.divergence != nil {
                    _ = appended(logEnd: asked.offset, leaderHighWatermark: reply.highWatermark)
                }
            #endif
            if let divergence = reply.divergence { return .truncate(divergence) }
            return .append(leaderHighWatermark: reply.highWatermark, leaderLogStart: reply.logStart)
        case .fencedLeaderEpoch:
            isWaitingForMetadata = true
            return .waitForMetadata
        case .offsetOutOfRange:
            if let start = reply.logStart { return .restart(at: start) }
            return .askLogStart
        default:
            return .retry(after: reply.error)
        }
    }

    /// The log grew to `logEnd` by a reply that carried the leader's watermark. True when ours moved.
    package mutating func appended(logEnd: Offset, leaderHighWatermark: Offset?) -> Bool {
        guard let leaderHighWatermark else { return false }
        let learned = min(leaderHighWatermark, logEnd)
        guard learned > highWatermark else { return false }
        highWatermark = learned
        return true
    }

    /// A cut of the log.
    package struct Cut: Hashable, Sendable {
        package var offset: Offset
        /// It takes away what was committed once: the suffix must be set aside first and an alarm raised (rule 6).
        package var isBelowHighWatermark: Bool
    }

    /// Where the log has to be cut for the leader's answer.
    package func cut(for answer: EpochEnd, own: EpochEnd?, logEnd: Offset) -> Cut {
        let offset = Divergence.cut(answer: answer, own: own, logEnd: logEnd)
        return Cut(offset: offset, isBelowHighWatermark: offset < highWatermark)
    }

    /// The log was cut, or restarted, and now ends at `logEnd`.
    package mutating func truncated(to logEnd: Offset) { highWatermark = min(highWatermark, logEnd) }
}
