package import Primitives

#if MUTANTS
    import Mutants
#endif

/// What a leader knows of one replica, from that replica's fetches.
package struct ReplicaProgress: Hashable, Sendable {
    package private(set) var key: ReplicaKey
    /// The replica's durable log end; nil until it fetched in this epoch.
    package fileprivate(set) var end: Offset?
    package fileprivate(set) var lastFetchAt: MonotonicInstant?
    /// When the replica last had all that the leader had at that time.
    package fileprivate(set) var lastCaughtUpAt: MonotonicInstant?
    /// Whether it has heard what is committed in this epoch, or speaks a version that can't say.
    fileprivate var knowsHighWatermark = false
    private var leaderEndAtLastFetch: Offset?

    init(key: ReplicaKey) { self.key = key }

    /// The same progress under the key that the voters now give the replica.
    fileprivate func renamed(_ key: ReplicaKey) -> ReplicaProgress {
        var copy = self
        copy.key = key
        return copy
    }

    mutating func fetched(
        from offset: Offset, leaderEnd: Offset, knowing highWatermark: KnownHighWatermark, now: MonotonicInstant
    ) {
        knowsHighWatermark = highWatermark != .unknown
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
/// - Invariant: at most one change of the voters is not committed; `highWatermark` is nil or lies above `epochStart`,
///   and never decreases.
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
    /// The change of the voters that is under way.
    var change: VoterChange?
    /// What voters have told of themselves in this epoch, for the day when they are written to the log.
    var reported: [Voter] = []
    private var majority: Int
    /// False for a leader that has taken its own vote away and leads until that is committed.
    private var isVoter: Bool

    init(epoch: LeaderEpoch, epochStart: Offset, voters: VoterSet, me: ReplicaKey, now: MonotonicInstant) {
        self.epoch = epoch
        self.epochStart = epochStart
        since = now
        followers = voters.others(than: me.id).map {
            Follower(progress: ReplicaProgress(key: $0), lastContactAt: now, notice: .due(at: now))
        }
        majority = voters.majority
        isVoter = voters.contains(me)
    }

    /// Goes on with other voters: who stays keeps its progress, who is new starts with what it fetched as an observer,
    /// who goes is an observer from here on.
    mutating func change(to voters: VoterSet, me: ReplicaKey, now: MonotonicInstant) {
        let before = followers
        followers = voters.others(than: me.id).map { key in
            if var kept = before.first(where: { $0.progress.key.matches(key) }) {
                kept.progress = kept.progress.renamed(key)
                return kept
            }
            let observed = observers.first { key.admits($0.key) }
            return Follower(
                progress: observed?.renamed(key) ?? ReplicaProgress(key: key),
                lastContactAt: observed?.lastFetchAt ?? now, notice: observed == nil ? .due(at: now) : .done)
        }
        observers.removeAll { observer in followers.contains { $0.progress.key.admits(observer.key) } }
        let gone = before.filter { old in !followers.contains { $0.progress.key.matches(old.progress.key) } }
        observers += gone.map(\.progress).filter { $0.lastFetchAt != nil }
        observers.sort { $0.key < $1.key }
        majority = voters.majority
        isVoter = voters.contains(me)
    }

    /// A replica without a vote that had all that the leader has a short while ago, and knows how much of it is
    /// committed: a blank log has proven itself then.
    func isCaughtUp(_ key: ReplicaKey, within milliseconds: Int64, now: MonotonicInstant) -> Bool {
        guard let observer = observers.first(where: { $0.key == key }), observer.knowsHighWatermark,
            let at = observer.lastCaughtUpAt
        else { return false }
        return now.milliseconds(since: at) <= milliseconds
    }

    /// Remembers what a voter tells of itself.
    mutating func report(_ voter: Voter) {
        reported.removeAll { $0.key.id == voter.key.id }
        reported.append(voter)
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
        guard let index = followers.firstIndex(where: { $0.progress.key.admits(replica) }) else { return }
        followers[index].lastContactAt = now
        followers[index].notice = .done
    }

    /// A replica's log agrees with the leader's up to `offset`.
    mutating func fetched(_ fetch: LogFetch, leaderEnd: Offset, now: MonotonicInstant) {
        let (replica, offset, known) = (fetch.replica, fetch.offset, fetch.highWatermark)
        if let index = followers.firstIndex(where: { $0.progress.key.admits(replica) }) {
            followers[index].progress.fetched(from: offset, leaderEnd: leaderEnd, knowing: known, now: now)
            return
        }
        observers.removeAll { observer in
            guard observer.key != replica, let at = observer.lastFetchAt else { return false }
            return now.milliseconds(since: at) > LeaderState.observerSessionMilliseconds
        }
        if let index = observers.firstIndex(where: { $0.key == replica }) {
            observers[index].fetched(from: offset, leaderEnd: leaderEnd, knowing: known, now: now)
            return
        }
        if observers.count >= LeaderState.observersMax {
            let oldest = observers.indices.min { fetchTime(of: $0) < fetchTime(of: $1) }
            if let oldest { observers.remove(at: oldest) }
        }
        var added = ReplicaProgress(key: replica)
        added.fetched(from: offset, leaderEnd: leaderEnd, knowing: known, now: now)
        observers.append(added)
        observers.sort { $0.key < $1.key }
    }

    private func fetchTime(of index: Int) -> MonotonicInstant { observers[index].lastFetchAt ?? MonotonicInstant(0) }

    /// Recomputes what a majority has durably. Entries of earlier epochs are committed only together with one of this
    /// epoch (Raft 5.4.2). Returns the new high watermark where it moved.
    mutating func advanceHighWatermark(ownFlushedEnd: Offset) -> Offset? {
        let own = isVoter ? [ownFlushedEnd] : []
        var ends = own + followers.map { $0.progress.end ?? .zero }
        #if MUTANTS
            if Mutant.strangersCount.isOn { ends += observers.map { $0.end ?? .zero } }
        #endif
        ends.sort(by: >)
        #if MUTANTS
            let common = Mutant.minorityCommits.isOn ? ends[0] : ends[majority - 1]
            if Mutant.earlierEpochCommitted.isOn, common > highWatermark ?? .zero {
                highWatermark = common
                return common
            }
        #else
            let common = ends[majority - 1]
        #endif
        guard common > epochStart, common > highWatermark ?? .zero else { return nil }
        highWatermark = common
        return common
    }

    /// When the leader has to resign unless more voters fetch; nil for a lone voter.
    func checkQuorumDeadline(timeoutMilliseconds: Int64) -> MonotonicInstant? {
        let needed = isVoter ? majority - 1 : majority
        guard needed > 0 else { return nil }
        let contacts = followers.map(\.lastContactAt).sorted(by: >)
        return contacts[needed - 1].advanced(byMilliseconds: timeoutMilliseconds)
    }

    /// Takes out the waiting fetches that `isOver` names.
    mutating func takeWaiting(where isOver: (WaitingFetch) -> Bool) -> [WaitingFetch] {
        let taken = waiting.filter(isOver)
        if !taken.isEmpty { waiting.removeAll(where: isOver) }
        return taken
    }
}
