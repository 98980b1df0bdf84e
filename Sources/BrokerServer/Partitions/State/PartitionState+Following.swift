import LogStorage
import Primitives
import Replication

/// What a follower asks its leader for.
struct FollowerAsk: Hashable, Sendable {
    var position: FollowerReplica.Position
    var logStart: Offset
    /// What it has but must make durable before it may ask: its position counts as an acknowledgement.
    var owesFlush: Bool
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
        guard case .open(let log) = storage, case .follower(let follower) = role, follower.mayFetch else { return nil }
        let end = settings.flushesOnAck ? log.flushedEndOffset : log.logEndOffset
        return FollowerAsk(
            position: follower.position(end: end, lastEpoch: log.latestEpoch), logStart: log.logStartOffset,
            owesFlush: end < log.logEndOffset)
    }

    /// Takes a leader's reply to `asked`.
    mutating func received(
        _ reply: FollowerReplica.Reply, records: Bytes?, asked: FollowerReplica.Position, timeOfDay: Timestamp,
        _ after: inout Aftermath
    ) -> FollowerProgression {
        guard let current = followerAsk?.position, case .follower(var follower) = role else { return .stop }
        let step = follower.received(reply, asked: asked, current: current)
        role = .follower(follower)
        switch step {
        case .ignore: return .goOn
        case .append(let highWatermark, let logStart):
            return append(records, highWatermark, logStart, timeOfDay: timeOfDay, &after)
        case .truncate(let end): return .truncate(end)
        case .restart(let offset): return .restart(at: offset)
        case .askLogStart: return .askLogStart
        case .waitForMetadata: return .waitForMetadata
        case .retry(let error): return .pause(error)
        }
    }

    private mutating func append(
        _ records: Bytes?, _ leaderHighWatermark: Offset?, _ leaderLogStart: Offset?, timeOfDay: Timestamp,
        _ after: inout Aftermath
    ) -> FollowerProgression {
        guard case .open(var log) = storage, case .follower(var follower) = role else { return .stop }
        storage = .opening
        do throws(StorageError) {
            if let records, !records.isEmpty {
                try log.appendAsFollower(records, now: timeOfDay)
                traffic.replicated(bytes: records.count)
                if settings.flushesOnAck { after.wantsFlush = true }
            }
            if let start = leaderLogStart, start > log.logStartOffset, start <= log.logEndOffset {
                after.removals += try log.incrementLogStartOffset(to: start)
            }
            storage = .open(log)
        } catch {
            storage = .open(log)
            let code = failedRead(error, &after)
            return error.takesDirectoryOffline ? .stop : .pause(code)
        }
        let isMoved = follower.appended(logEnd: log.logEndOffset, leaderHighWatermark: leaderHighWatermark)
        role = .follower(follower)
        if isMoved { highWatermarkMoved(&after) }
        return .goOn
    }

    /// Takes the log out for a cut that may wait for a disk; `nil` when this is no follower of that epoch any more.
    /// While it is out requests find the partition as one whose log is being opened.
    mutating func beginCut(_ epoch: LeaderEpoch) -> (log: PartitionLog, follower: FollowerReplica)? {
        guard case .open(let log) = storage, case .follower(let follower) = role, follower.leaderEpoch == epoch else {
            return nil
        }
        storage = .opening
        return (log, follower)
    }

    /// Puts the log back, and takes the role that metadata has given meanwhile.
    mutating func endCut(_ log: PartitionLog, me: BrokerID, now: MonotonicInstant, _ after: inout Aftermath) {
        guard case .opening = storage else {
            // Removed, or its directory failed, in the meantime.
            var closing = log
            closing.abandon()
            return
        }
        storage = .open(log)
        guard case .follower(var follower) = role else { return opened(log, me: me, now: now, &after) }
        follower.truncated(to: log.logEndOffset)
        role = .follower(follower)
        if follower.leaderEpoch != assignment.leaderEpoch { opened(log, me: me, now: now, &after) }
    }
}
