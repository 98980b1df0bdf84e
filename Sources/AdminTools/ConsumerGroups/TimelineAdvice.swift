package import WireMessages

/// What a group's timeline suggests to do.
package enum TimelineAdvice {
    typealias Event = DescribeGroupsResponse.TimelineEvent

    /// So many comings and goings of members without a name of their own are a pattern.
    private static let unnamedMovesMin = 4
    /// So many fencings of one name are two processes that fight for it.
    private static let replacementsMin = 3
    /// A rebalance that takes longer stops somebody's work for long.
    private static let longRebalanceMilliseconds: Int64 = 10_000

    /// Lines of advice, the most telling first; none for a group that is well.
    package static func lines(_ events: [DescribeGroupsResponse.TimelineEvent]) -> [String] {
        [slowPolls(events), silence(events), doubles(events), names(events), longRebalances(events)].compactMap { $0 }
    }

    private static func count(_ events: [Event], of kinds: Set<String>) -> Int {
        events.filter { kinds.contains($0.kind) }.count
    }

    /// Clients whose application does not poll often enough leave by themselves, and say so (Java), or miss rebalances.
    private static func slowPolls(_ events: [Event]) -> String? {
        let told = events.filter { $0.kind == "left" && $0.reason?.contains("poll timeout") ?? false }.count
        let missed = count(events, of: ["rejoin-missed"])
        guard told + missed > 0 else { return nil }
        return "\(times(told + missed)) a member took longer than max.poll.interval.ms between two polls and lost "
            + "its partitions. Let it take fewer records at a time (max.poll.records), work outside of the polling "
            + "thread, or raise max.poll.interval.ms."
    }

    private static func silence(_ events: [Event]) -> String? {
        let expired = count(events, of: ["session-expired"])
        guard expired > 0 else { return nil }
        return "\(times(expired)) a member was not heard of for its session timeout: it was killed, stood still "
            + "(garbage collection, a paused machine) or was cut off. Where it is restarted on purpose, close the "
            + "consumer first."
    }

    private static func doubles(_ events: [Event]) -> String? {
        var counts: [String: Int] = [:]
        for event in events where event.kind == "replaced" || event.reason == "FENCED_INSTANCE_ID" {
            if let name = event.instanceID { counts[name, default: 0] += 1 }
        }
        let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
        guard let most, most.value >= replacementsMin else { return nil }
        return "Members with group.instance.id=\(most.key) fenced each other \(times(most.value)): two processes seem "
            + "to run under one name. Give each its own."
    }

    private static func names(_ events: [Event]) -> String? {
        let moves = events.filter {
            ["joined", "left", "session-expired"].contains($0.kind) && $0.instanceID == nil
        }.count
        let rebalances = count(events, of: ["stable"])
        guard moves >= unnamedMovesMin, rebalances >= unnamedMovesMin else { return nil }
        return "Members without a group.instance.id came and went \(times(moves)), and each time the group was "
            + "rebalanced. With a name of its own a member that restarts within its session timeout costs no rebalance."
    }

    private static func longRebalances(_ events: [Event]) -> String? {
        let longest = events.map(\.tookMilliseconds).max() ?? -1
        guard longest >= longRebalanceMilliseconds else { return nil }
        return "A rebalance took \(longest / 1_000) s. All members of a classic group wait for the slowest to join: "
            + "poll more often, or use group.protocol=consumer, where only what moves stops."
    }

    private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}
