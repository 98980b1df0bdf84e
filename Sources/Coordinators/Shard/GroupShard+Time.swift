import HashTreeCollections
import OrderedCollections
import Primitives
import WireMessages

#if MUTANTS
    import Mutants
#endif

extension GroupShard {
    /// Does all that is due at `time`: sessions, rebalances, late writes, old offsets.
    package mutating func expire(at time: CoordinatorTime) -> [GroupEffect] {
        var effects = expireWrites(at: time)
        if let wake = groupsWakeAt, wake <= time.now {
            let due = groups.values.filter { $0.wakeAt.map { $0 <= time.now } ?? false }.map(\.id).sorted()
            for id in due {
                effects += step(id, at: time) { group, settings, outcome in
                    group.expire(at: time, settings, into: &outcome)
                }
            }
            groupsWakeAt = groups.values.compactMap(\.wakeAt).min()
        }
        effects += expireConsumers(at: time)
        if offsetCheckAt <= time.now { effects += checkOffsets(at: time) }
        return effects
    }

    /// A write whose commitment takes too long goes on, but its client is told to come again: commits may be repeated.
    private mutating func expireWrites(at time: CoordinatorTime) -> [GroupEffect] {
        line.giveUpLate(at: time.now).flatMap { failed($0, with: .requestTimedOut, at: time) }
    }

    /// Pause between two steps of a check.
    private static let checkPauseMilliseconds: Int64 = 20

    /// Goes on with the check for old offsets, or begins one.
    private mutating func checkOffsets(at time: CoordinatorTime) -> [GroupEffect] {
        if groupsToCheck.isEmpty { groupsToCheck = image.ids.reversed() }
        var effects: [GroupEffect] = []
        var checked = 0
        while checked < settings.offsetsCheckedAtOnceMax, let id = groupsToCheck.popLast() {
            checked += 1 + (image[id]?.offsetCount ?? 0)
            effects += expireOffsets(of: id, at: time)
        }
        let wait =
            groupsToCheck.isEmpty
            ? settings.offsetsRetentionCheckIntervalMilliseconds : GroupShard.checkPauseMilliseconds
        offsetCheckAt = time.now.advanced(byMilliseconds: wait)
        return effects
    }

    /// Writes tombstones for the offsets of a group that are old (rule 34): those of a group without members, and in a
    /// live group those of topics that it is not subscribed to any more.
    ///
    /// A group without members whose last offset goes is forgotten with it. A commit that is under way keeps its group:
    /// it is in `image` already.
    private mutating func expireOffsets(of id: String, at time: CoordinatorTime) -> [GroupEffect] {
        guard let stored = image[id] else { return [] }
        let group = groups[id]
        let aging = group?.offsetAging ?? .sinceCommit
        let all = stored.sortedOffsets
        let old = all.filter { entry in
            #if MUTANTS
                if Mutant.subscribedOffsetsExpire.isOn {
                    return isExpired(entry.offset, .sinceCommit, at: time.timeOfDay)
                }
            #endif
            return !isSubscribed(id, to: entry.partition.topic) && !stored.isUnstable(entry.partition)
                && isExpired(entry.offset, aging, at: time.timeOfDay)
        }
        let isWithoutMembers =
            group.map { $0.state == .empty && $0.pendingMembers.isEmpty }
            ?? consumerGroup(id)?.members.isEmpty ?? true
        let isLastOfGroup = old.count == all.count && !stored.hasPendingOffsets && isWithoutMembers
        var records = old.map { GroupRecord.offset(group: id, partition: $0.partition, value: nil) }
        if isLastOfGroup { records += groupTombstones(of: id) }
        return decideTombstones(records, then: nil, deleting: isLastOfGroup ? [id] : [], at: time)
    }

    private func isExpired(_ offset: CommittedOffset, _ aging: OffsetAging, at now: Timestamp) -> Bool {
        let start: Timestamp
        switch aging {
        case .never: return false
        case .sinceCommit: start = offset.commitTimestamp
        case .sinceEmpty(let emptySince): start = max(emptySince, offset.commitTimestamp)
        }
        if let end = offset.expireTimestamp { return now >= end }
        // A record may hold any time; the clock and the setting are ours.
        return start.value <= now.value - settings.offsetsRetentionMilliseconds
    }
}
