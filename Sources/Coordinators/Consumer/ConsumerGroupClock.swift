import Primitives

/// What a coordinator keeps of a consumer group beside the log: who was heard when, and what is due when. A new
/// coordinator begins with fresh times.
struct ConsumerGroupClock: Sendable {
    /// What a member has to do in time, or be out.
    private struct Times: Sendable {
        /// Until it is heard of again.
        var session: MonotonicInstant?
        /// Until it gives up what it has to.
        var revocation: MonotonicInstant?
        /// Until a classic member joins again.
        var join: MonotonicInstant?
        /// Until a classic member fetches its assignment.
        var sync: MonotonicInstant?

        var earliest: MonotonicInstant? { [session, revocation, join, sync].compactMap { $0 }.min() }

        /// What the member was waited for in vain; nil where its time is not up.
        func missed(at now: MonotonicInstant) -> Wait? {
            let waits: [(MonotonicInstant?, Wait)] = [
                (session, .session), (revocation, .revocation), (join, .join), (sync, .sync),
            ]
            return waits.first { deadline, _ in deadline.map { $0 <= now } ?? false }?.1
        }
    }

    enum Wait {
        case session, revocation, join, sync

        /// What a member's timeline says when it is out for this.
        func event(about member: ConsumerMember) -> GroupEvent {
            let limit = "\(member.rebalanceTimeoutMilliseconds) ms"
            return switch self {
            case .session:
                GroupEvent(
                    .sessionExpired, GroupEvent.Member(member), reason: "not heard of for its session timeout")
            case .revocation:
                GroupEvent(
                    .rejoinMissed, GroupEvent.Member(member),
                    reason: "did not give up its partitions within its rebalance timeout of \(limit)")
            case .join:
                GroupEvent(
                    .rejoinMissed, GroupEvent.Member(member),
                    reason: "did not join again within its rebalance timeout of \(limit)")
            case .sync: GroupEvent(.syncMissed, GroupEvent.Member(member))
            }
        }
    }

    private var members: [String: Times] = [:]
    /// Not later than the earliest time in it.
    private(set) var wakeAt: MonotonicInstant?
    /// When the target was computed last by this coordinator.
    private(set) var assignedAt: MonotonicInstant?
    /// When the target is to be computed; nil where it is as new as the group.
    private(set) var assignmentDue: MonotonicInstant?
    /// The metadata of a topic that the group may subscribe to has changed since it was last looked at.
    var isMetadataStale = true
    /// The last write that was about the group: answers do not run ahead of it.
    var lastWrite: WriteID?

    mutating func wake(at deadline: MonotonicInstant) { wakeAt = wakeAt.map { min($0, deadline) } ?? deadline }

    mutating func set(_ wait: Wait, of member: String, to deadline: MonotonicInstant?) {
        if deadline == nil && members[member] == nil { return }
        switch wait {
        case .session: members[member, default: Times()].session = deadline
        case .revocation: members[member, default: Times()].revocation = deadline
        case .join: members[member, default: Times()].join = deadline
        case .sync: members[member, default: Times()].sync = deadline
        }
        if let deadline { wake(at: deadline) }
    }

    func hasDeadline(_ wait: Wait, of member: String) -> Bool {
        guard let times = members[member] else { return false }
        return switch wait {
        case .session: times.session != nil
        case .revocation: times.revocation != nil
        case .join: times.join != nil
        case .sync: times.sync != nil
        }
    }

    mutating func assigned(at now: MonotonicInstant) {
        assignedAt = now
        assignmentDue = nil
    }

    mutating func setAssignmentDue(_ deadline: MonotonicInstant?) {
        assignmentDue = deadline
        if let deadline { wake(at: deadline) }
    }

    /// The members whose time is up, sorted; those are given `retry` in case nothing comes of it.
    mutating func takeLate(at now: MonotonicInstant, retry: MonotonicInstant) -> [(member: String, wait: Wait)] {
        let late = members.compactMap { id, times in times.missed(at: now).map { (member: id, wait: $0) } }
            .sorted { $0.member < $1.member }
        for (member, _) in late { members[member] = Times(session: retry) }
        return late
    }

    /// Forgets the times of members that are gone, and finds the next one.
    mutating func tidy(isMember: (String) -> Bool) {
        members = members.filter { isMember($0.key) }
        wakeAt = nil
        for times in members.values { if let earliest = times.earliest { wake(at: earliest) } }
        if let assignmentDue { wake(at: assignmentDue) }
    }
}
