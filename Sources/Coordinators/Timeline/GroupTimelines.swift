import Primitives

/// What happened to one group since its coordinator took over, the oldest first.
package struct GroupTimeline: Hashable, Sendable {
    package fileprivate(set) var events: [GroupEvent] = []
    /// Older events that had to make room.
    package fileprivate(set) var forgottenCount = 0
    /// When the rebalance that is on began; nil where none is.
    fileprivate var rebalancingSince: MonotonicInstant?
}

/// The timelines of a shard's groups. They are in memory alone, and end with the leadership.
///
/// - Invariant: no more than the bounds of the settings, for a group and for all together.
struct GroupTimelines: Sendable {
    /// What is kept of one group.
    private let eventsMax: Int
    /// What is kept of all groups together.
    private let eventsOfShardMax: Int
    /// When this coordinator took over.
    let since: Timestamp
    private var timelines: [String: GroupTimeline] = [:]
    private var eventCount = 0

    init(_ settings: GroupConfiguration, since: Timestamp) {
        eventsMax = settings.timelineEventsMax
        eventsOfShardMax = settings.timelineEventsOfShardMax
        self.since = since
    }

    subscript(group: String) -> GroupTimeline? { timelines[group] }

    /// True from the event that begins a rebalance to the one that ends it.
    func isRebalancing(_ group: String) -> Bool { timelines[group]?.rebalancingSince != nil }

    mutating func note(_ event: GroupEvent, of group: String, at time: CoordinatorTime) {
        var event = event
        event.time = time.timeOfDay
        var timeline = timelines[group, default: GroupTimeline()]
        switch event.kind {
        case .rebalance where timeline.rebalancingSince == nil: timeline.rebalancingSince = time.now
        case .stable, .empty:
            event.tookMilliseconds = timeline.rebalancingSince.map(time.now.milliseconds(since:))
            timeline.rebalancingSince = nil
        default: break
        }
        if let last = timeline.events.last, event.repeats(last) {
            event.count = last.count + 1
            timeline.events[timeline.events.count - 1] = event
        } else {
            timeline.events.append(event)
            eventCount += 1
        }
        if timeline.events.count > eventsMax {
            timeline.events.removeFirst()
            timeline.forgottenCount += 1
            eventCount -= 1
        }
        timelines[group] = timeline
        if eventCount > eventsOfShardMax { makeRoom() }
    }

    mutating func forget(_ group: String) { eventCount -= timelines.removeValue(forKey: group)?.events.count ?? 0 }

    /// Forgets the groups in which nothing has happened for longest, until half of the room is free.
    private mutating func makeRoom() {
        let quietest = timelines.sorted { left, right in
            let times = (left.value.events.last?.time.value ?? 0, right.value.events.last?.time.value ?? 0)
            return times.0 == times.1 ? left.key < right.key : times.0 < times.1
        }
        for (group, _) in quietest where eventCount > eventsOfShardMax / 2 { forget(group) }
    }
}
