package import Primitives

/// What a leader knows of one replica, from that replica's fetches.
package struct ReplicaProgress: Hashable, Sendable {
    package let key: ReplicaKey
    /// The replica's durable log end; nil until it fetched in this epoch.
    package fileprivate(set) var end: Offset?
    package fileprivate(set) var lastFetchAt: MonotonicInstant?
    /// When the replica last had all that the leader had at that time.
    package fileprivate(set) var lastCaughtUpAt: MonotonicInstant?
    private var leaderEndAtLastFetch: Offset?

    init(key: ReplicaKey) { self.key = key }

    mutating func fetched(from offset: Offset, leaderEnd: Offset, now: MonotonicInstant) {
        if offset >= leaderEnd {
            lastCaughtUpAt = now
        } else if let before = leaderEndAtLastFetch, offset >= before {
            lastCaughtUpAt = lastFetchAt
        }
        end = offset
        lastFetchAt = now
        leaderEndAtLastFetch = leaderEnd
    }
}

/// A fetch that has to wait for news.
struct WaitingFetch: Hashable, Sendable {
    let token: RequestToken
    let fetch: LogFetch
    let deadline: MonotonicInstant
}

/// The leader of an epoch: who has how much, what is committed, who waits.
///
/// - Invariant: `highWatermark` is nil or lies above `epochStart`, and never decreases.
package struct LeaderState: Hashable, Sendable {
    /// How many observers are remembered; beyond it the one that fetched longest ago is forgotten.
    static let observersMax = 1_000
    /// An observer that did not fetch for as long is forgotten.
    static let observerSessionMilliseconds: Int64 = 300_000

    /// How many fetches may wait; beyond it the next is answered at once.
    static let waitingMax = 1_000

    struct Follower: Hashable, Sendable {
        var progress: ReplicaProgress
        /// When it last asked for anything in this epoch.
        var lastContactAt: MonotonicInstant
        var notice: Errand
        var noticedAt: MonotonicInstant?

        /// When it is to be told (again) who leads: until it fetches, and after it fell silent for `silence`.
        func noticeTime(silenceMilliseconds silence: Int64) -> MonotonicInstant {
            if let dueAt = notice.dueAt { return dueAt }
            let last = noticedAt.map { max($0, lastContactAt) } ?? lastContactAt
            return last.advanced(byMilliseconds: silence)
        }
    }

    package let epoch: LeaderEpoch
    /// The offset of the control record that opens the epoch.
    package let epochStart: Offset
    let since: MonotonicInstant
    /// The voters but the leader, in order of their ids.
    var followers: [Follower]
    package private(set) var observers: [ReplicaProgress] = []
    package private(set) var highWatermark: Offset?
    var waiting: [WaitingFetch] = []
    private let majority: Int

    init(epoch: LeaderEpoch, epochStart: Offset, voters: VoterSet, me: BrokerID, now: MonotonicInstant) {
        self.epoch = epoch
        self.epochStart = epochStart
        since = now
        followers = voters.others(than: me).map {
            Follower(progress: ReplicaProgress(key: $0), lastContactAt: now, notice: .due(at: now))
        }
        majority = voters.majority
    }

    /// The voters but the leader.
    package var voters: [ReplicaProgress] { followers.map(\.progress) }

    /// The voters but the leader, those with the longest log first: the order in which they should succeed.
    var successors: [ReplicaKey] {
        followers.sorted { left, right in
            let (leftEnd, rightEnd) = (left.progress.end ?? .zero, right.progress.end ?? .zero)
            return leftEnd != rightEnd ? leftEnd > rightEnd : left.progress.key < right.progress.key
        }.map(\.progress.key)
    }

    /// A replica asked for something in this epoch, and so follows.
    mutating func heard(from replica: ReplicaKey, now: MonotonicInstant) {
        guard let index = followers.firstIndex(where: { $0.progress.key.matches(replica) }) else { return }
        followers[index].lastContactAt = now
        followers[index].notice = .done
    }

    /// A replica's log agrees with the leader's up to `offset`.
    mutating func fetched(_ replica: ReplicaKey, from offset: Offset, leaderEnd: Offset, now: MonotonicInstant) {
        if let index = followers.firstIndex(where: { $0.progress.key.matches(replica) }) {
            followers[index].progress.fetched(from: offset, leaderEnd: leaderEnd, now: now)
            return
        }
        observers.removeAll { observer in
            guard observer.key != replica, let at = observer.lastFetchAt else { return false }
            return now.milliseconds(since: at) > LeaderState.observerSessionMilliseconds
        }
        if let index = observers.firstIndex(where: { $0.key == replica }) {
            observers[index].fetched(from: offset, leaderEnd: leaderEnd, now: now)
            return
        }
        if observers.count >= LeaderState.observersMax {
            let oldest = observers.indices.min { fetchTime(of: $0) < fetchTime(of: $1) }
            if let oldest { observers.remove(at: oldest) }
        }
        var added = ReplicaProgress(key: replica)
        added.fetched(from: offset, leaderEnd: leaderEnd, now: now)
        observers.append(added)
        observers.sort { $0.key < $1.key }
    }

    private func fetchTime(of index: Int) -> MonotonicInstant { observers[index].lastFetchAt ?? MonotonicInstant(0) }

    /// Recomputes what a majority has durably. Entries of earlier epochs are committed only together with one of this
    /// epoch (Raft 5.4.2). Returns the new high watermark where it moved.
    mutating func advanceHighWatermark(ownFlushedEnd: Offset) -> Offset? {
        let ends = ([ownFlushedEnd] + followers.map { $0.progress.end ?? .zero }).sorted(by: >)
        let common = ends[majority - 1]
        guard common > epochStart, common > highWatermark ?? .zero else { return nil }
        highWatermark = common
        return common
    }

    /// When the leader has to resign unless more voters fetch; nil for a lone voter.
    func checkQuorumDeadline(timeoutMilliseconds: Int64) -> MonotonicInstant? {
        guard majority > 1 else { return nil }
        let contacts = followers.map(\.lastContactAt).sorted(by: >)
        return contacts[majority - 2].advanced(byMilliseconds: timeoutMilliseconds)
    }

    /// Takes out the waiting fetches that `isOver` names.
    mutating func takeWaiting(where isOver: (WaitingFetch) -> Bool) -> [WaitingFetch] {
        let taken = waiting.filter(isOver)
        if !taken.isEmpty { waiting.removeAll(where: isOver) }
        return taken
    }
}
