import LogStorage
import Primitives
import Replication

#if MUTANTS
    import Mutants
#endif

/// What a follower asks its leader for.
struct FollowerAsk: Hashable, Sendable {
    var position: FollowerReplica.Position
    var logStart: Offset
    var highWatermark: Offset
    /// What is durable, where that is what it acknowledges; nil where its position is.
    var flushedEnd: Offset?
    /// Whether the followers' throttle holds for it.
    var isThrottled = false

    /// Whether it has what it does not acknowledge yet.
    var owesFlush: Bool { flushedEnd.map { $0 < position.offset } ?? false }
}

/// What a reply left to be done by the fetcher.
enum FollowerProgression: Hashable {
    /// Ask again from where the log stands now.
    case goOn
    /// Find the cut and truncate, on the pool.
    case truncate(EpochEnd)
    /// Start the log anew, on the pool.
    case restart(at: Offset)
    case askLogStart
    case waitForMetadata
    case pause(ErrorCode)
    /// Not a follower any more, or the log is gone.
    case stop
}

extension PartitionState {
    /// What to ask; nil when nothing may be asked now.
    var followerAsk: FollowerAsk? {
        guard follower?.mayFetch == true, mayFetchWhatFollows, !isDiskFull, !isHeld, let logEnd = log?.logEndOffset,
            let flushedEnd = log?.flushedEndOffset,
            let logStart = log?.logStartOffset
        else { return nil }
        guard let position = follower?.position(end: logEnd, lastEpoch: log?.latestEpoch) else { return nil }
        #if MUTANTS
            let durableEnd = Mutant.unflushedCounts.isOn ? logEnd : flushedEnd
        #else
            let durableEnd = flushedEnd
        #endif
        return FollowerAsk(
            position: position, logStart: logStart, highWatermark: highWatermark,
            flushedEnd: settings.flushesOnAck ? durableEnd : nil, isThrottled: settings.isThrottledAsFollower)
    }

    /// Takes a leader's reply to `asked`.
    mutating func received(
        _ reply: FollowerReplica.Reply, records: Bytes?, asked: FollowerReplica.Position, timeOfDay: Timestamp,
        _ after: inout Aftermath
    ) -> FollowerProgression {
        guard let current = followerAsk?.position,
            let step = follower?.received(reply, asked: asked, current: current)
        else { return .stop }
        switch step {
        case .ignore: return .goOn
        case .append(let highWatermark, let logStart):
            let received = ReceivedRecords(
                records: records ?? .empty, highWatermark: highWatermark, logStart: logStart)
            guard disk.handsOver, !received.records.isEmpty else {
                return append(received, timeOfDay: timeOfDay, &after)
            }
            beginErrand(received: received)
            after.following = .stop
            after.wantsErrand = true
            return .stop
        case .truncate(let end): return .truncate(end)
        case .restart(let offset): return .restart(at: offset)
        case .askLogStart: return .askLogStart
        case .waitForMetadata: return .waitForMetadata
        case .retry(let error): return .pause(error)
        }
    }

    private mutating func append(
        _ received: ReceivedRecords, timeOfDay: Timestamp, _ after: inout Aftermath
    ) -> FollowerProgression {
        guard log != nil, follower != nil else { return .stop }
        do throws(StorageError) {
            after.removals += try log?.take(received, now: timeOfDay) ?? []
        } catch {
            let code = failedRead(error, &after)
            return error.takesDirectoryOffline ? .stop : .pause(code)
        }
        followed(received, &after)
        return .goOn
    }

    /// The log has taken what the leader sent.
    mutating func followed(_ received: ReceivedRecords, _ after: inout Aftermath) {
        guard let end = log?.logEndOffset else { return }
        if !received.records.isEmpty {
            traffic.replicated(bytes: received.records.count)
            if owesFlush { after.wantsFlush = true }
        }
        if follower?.appended(logEnd: end, leaderHighWatermark: received.highWatermark) == true {
            highWatermarkMoved(&after)
        }
    }

    /// Takes the log out for a cut that may wait for a disk; `nil` when this is no follower of that epoch any more.
    /// While it is out requests find the partition as one whose log is being opened.
    mutating func beginCut(_ asked: FollowerReplica.Position) -> (log: PartitionLog, follower: FollowerReplica)? {
        // Two answers may be on their way to the pool: behind what the first has led to the second means nothing.
        guard let follower, let log, !isHeld,
            follower.position(end: log.logEndOffset, lastEpoch: log.latestEpoch) == asked,
            let taken = leaveLog(.opening)
        else { return nil }
        return (taken, follower)
    }

    /// Puts the log back, and takes the role that metadata has given meanwhile.
    mutating func endCut(_ log: PartitionLog, me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath) {
        guard isOpening else {
            // Removed, or its directory failed, in the meantime.
            var closing = log
            closing.abandon()
            return
        }
        follower?.truncated(to: log.logEndOffset)
        guard follower?.leaderEpoch == assignment.leaderEpoch else { return opened(log, me: me, now: now, &after) }
        self.log = log
    }
}
