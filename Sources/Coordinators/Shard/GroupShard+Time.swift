import OrderedCollections
import Primitives
import WireMessages

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
        if offsetCheckAt <= time.now {
            offsetCheckAt = time.now.advanced(byMilliseconds: settings.offsetsRetentionCheckIntervalMilliseconds)
            effects += expireOffsets(at: time)
        }
        return effects
    }

    /// A write whose commitment takes too long goes on, but its client is told to come again: commits may be repeated.
    private mutating func expireWrites(at time: CoordinatorTime) -> [GroupEffect] {
        var late: [AfterCommit] = []
        for index in writes.indices where writes[index].deadline <= time.now && writes[index].then != .nothing {
            late.append(writes[index].then)
            writes[index].then = .nothing
        }
        return late.flatMap { failed($0, with: .requestTimedOut, at: time) }
    }

    /// Writes tombstones for offsets whose group has been without members for the retention time (rule 34).
    ///
    /// A group whose last offset goes is forgotten with it. A commit that is under way keeps its group: it is in
    /// `image` already.
    private mutating func expireOffsets(at time: CoordinatorTime) -> [GroupEffect] {
        var effects: [GroupEffect] = []
        for id in image.ids {
            guard let stored = image[id], groups[id].map({ $0.state == .empty && $0.pendingMembers.isEmpty }) ?? true
            else { continue }
            let emptySince = groups[id].flatMap { $0.protocolType?.isEmpty ?? true ? nil : $0.stateTimestamp }
            let all = stored.sortedOffsets
            let old = all.filter { isExpired($0.offset, emptySince: emptySince, at: time.timeOfDay) }
            let tombstones = old.prefix(GroupShard.expiredOffsetsMax).map {
                GroupRecord.offset(group: id, partition: $0.partition, value: nil)
            }
            let isLastOfGroup = tombstones.count == all.count && !stored.hasPendingOffsets
            let groupTombstone = isLastOfGroup && stored.metadata != nil ? [GroupRecord.group(id: id, value: nil)] : []
            let records = tombstones + groupTombstone
            if records.isEmpty { continue }
            effects.append(decide(records, then: .nothing, deleting: isLastOfGroup ? [id] : [], at: time))
        }
        return effects
    }

    /// The most tombstones of one write, so that it fits a batch; the rest follows at the next check.
    private static let expiredOffsetsMax = 2_000

    private func isExpired(_ offset: CommittedOffset, emptySince: Timestamp?, at now: Timestamp) -> Bool {
        if let end = offset.expireTimestamp { return now >= end }
        let base = max(emptySince ?? offset.commitTimestamp, offset.commitTimestamp)
        return now.value - base.value >= settings.offsetsRetentionMilliseconds
    }
}
