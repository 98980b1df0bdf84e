import LogStorage
import Primitives
import Replication

#if MUTANTS
    import Mutants
#endif

/// All of a partition that an answer to a fetch depends on, but for the fetch itself: two that are equal are answered
/// alike, so that nobody needs to look again.
struct FetchableView: Equatable {
    var isOpen: Bool
    var isOffline: Bool
    var isLeader: Bool
    var isFollower: Bool
    var leaderEpoch: LeaderEpoch
    var logStart: Offset
    /// The in-sync set is another in each.
    var partitionEpoch: PartitionEpoch
    var isThrottled: Bool
    var logEnd: Offset
    var highWatermark: Offset
    var lastStable: Offset
    /// What followers in sync are given.
    var givenEnd: Offset

    init(_ state: borrowing PartitionState) {
        let bounds = state.log?.bounds
        isOpen = bounds != nil
        isOffline = state.isOffline
        isLeader = state.leader != nil
        isFollower = state.follower != nil
        leaderEpoch = state.assignment.leaderEpoch
        logStart = bounds?.start ?? .zero
        partitionEpoch = state.leader?.partitionEpoch ?? PartitionEpoch(0)
        isThrottled = state.settings.isThrottledAsLeader
        logEnd = bounds?.end ?? .zero
        highWatermark = state.highWatermark
        lastStable = state.lastStableOffset
        givenEnd = state.endGivenToInSync ?? logEnd
    }

    /// Whether who fetches has to hear of it at once, whatever it waits for.
    func isUpset(since former: FetchableView) -> Bool {
        isOpen != former.isOpen || isOffline != former.isOffline || isLeader != former.isLeader
            || isFollower != former.isFollower || leaderEpoch != former.leaderEpoch
    }
}

/// Fetch sessions watch their partitions: a session looks at a partition again only when it was told to.
///
/// That nothing is missed does not hang on every rule to think of it: each step is compared with the one before.
extension PartitionState {
    /// A session has looked and is told `read`: it is to hear of what comes now.
    mutating func watch(
        _ watch: PartitionWatch, _ requester: FetchRequester, until goal: FetchGoal, told read: FetchRead
    ) {
        if watch.isOver { return }
        if watch.place == nil {
            if watches.isEmpty {
                var view = FetchableView(self)
                // By the very fetch it may have moved, behind what this answer says.
                view.highWatermark = read.highWatermark ?? view.highWatermark
                view.lastStable = read.lastStable ?? view.lastStable
                seen = view
            }
            watch.place = watches.count
            watches.append(watch)
        }
        watch.requester = requester
        watch.goal = goal
        watch.isMarked = false
    }

    /// A session does not watch this partition any more.
    mutating func unwatch(_ watch: PartitionWatch) {
        watch.isOver = true
        watch.goal = nil
        guard let place = watch.place.take(), let last = watches.popLast(), last !== watch else { return }
        watches[place] = last
        last.place = place
    }

    /// The partition is gone: nothing watches it any more. Gives who did.
    mutating func leaveWatches() -> [PartitionWatch] {
        defer { watches = [] }
        for watch in watches {
            watch.isOver = true
            watch.place = nil
        }
        return watches
    }

    /// Tells all sessions that watch of what a step has changed.
    mutating func tellWatches(_ after: inout Aftermath) {
        guard !watches.isEmpty else { return }
        #if MUTANTS
            var view = FetchableView(self)
            let former = seen
            if Mutant.watermarkUnmarked.isOn, let former { view.highWatermark = former.highWatermark }
        #else
            let (view, former) = (FetchableView(self), seen)
        #endif
        guard view != former else { return }
        seen = view
        let isUpset = former.map(view.isUpset(since:)) ?? true
        let startMoved = former?.logStart != view.logStart
        for watch in watches {
            let isFollower = watch.requester?.isFollower ?? false
            let rings = watch.goal.map { isUpset || (startMoved && isFollower) || $0.isReached(in: view) } ?? false
            if !watch.isMarked || rings { tell(watch, rings: rings, &after) }
        }
    }

    private func tell(_ watch: PartitionWatch, rings: Bool, _ after: inout Aftermath) {
        if rings { watch.goal = nil }
        let isNew = !watch.isMarked
        watch.isMarked = true
        if let fetch = watch.session.mark(watch.slot, isNew: isNew, rings: rings) { after.woken.append(fetch) }
    }

    /// Consumers have to look again, though nothing has changed but the time: this leader is cut off.
    mutating func ringConsumers(_ after: inout Aftermath) {
        for watch in watches where watch.goal != nil && watch.requester?.isFollower == false {
            tell(watch, rings: true, &after)
        }
    }

    /// Takes note of the requests of followers' sessions that did not name this partition: they have asked for it too.
    ///
    /// To be called before the log grows and before it is judged who lags or is heard.
    mutating func hearFollowers() {
        for watch in watches {
            guard let requester = watch.requester, case .follower(let id) = requester.kind else { continue }
            leader?.heard(id, of: requester.brokerEpoch, at: watch.session.lastAsked)
        }
    }
}

extension FetchGoal {
    /// Whether what is waited for is there.
    func isReached(in view: FetchableView) -> Bool {
        switch self {
        case .logEndBehind(let offset): view.logEnd > offset
        case .highWatermarkBehind(let offset): view.highWatermark > offset
        case .lastStableBehind(let offset): view.lastStable > offset
        case .logEndBehindOrHighWatermarkAbove(let offset, let known):
            view.logEnd > offset || view.highWatermark > known
        case .groupBehind(let offset, let known):
            view.givenEnd > offset || known.map { view.highWatermark > $0 } ?? false
        }
    }
}
