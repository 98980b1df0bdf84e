import Primitives

/// How late this replica's own steps came of late: on a starved machine, or behind a slow flush.
///
/// A replica that is held up itself can't tell a silent leader from its own deafness: the answer may lie in the socket.
/// Each late step puts the judgement off for a moment; who stalls again and again waits longer from then on, so that a
/// starved cluster keeps its leader in place of electing one after the other. One stall alone (a paused process) makes
/// nobody patient.
struct OwnStalls: Hashable, Sendable {
    private struct Stall: Hashable, Sendable {
        let at: MonotonicInstant
        let milliseconds: Int64
    }

    /// Less than this is how any loop runs.
    static let leastMilliseconds: Int64 = 100
    /// For how long a stall makes patient.
    static let memoryMilliseconds: Int64 = 10_000
    /// The most that is added to a timeout: with it, a loss of the leader is noticed as late as Kafka's would be.
    static let longestAllowanceMilliseconds: Int64 = 2_400
    /// How many are remembered.
    private static let limit = 8

    /// The oldest first.
    private var recent: [Stall] = []
    /// Nobody is judged before.
    private(set) var graceEndsAt: MonotonicInstant?
    /// What is added to the time for which another may be silent: twice the second longest of the recent stalls.
    private(set) var allowanceMilliseconds: Int64 = 0

    /// Notes a step that was due at `due` and comes now.
    ///
    /// - Parameter graceMilliseconds: how long it takes at most to hear what came in meanwhile.
    mutating func noteStep(dueAt due: MonotonicInstant?, graceMilliseconds: Int64, now: MonotonicInstant) {
        if let end = graceEndsAt, end <= now { graceEndsAt = nil }
        if let due, now.milliseconds(since: due) >= OwnStalls.leastMilliseconds {
            if recent.count == OwnStalls.limit { recent.removeFirst() }
            recent.append(Stall(at: now, milliseconds: now.milliseconds(since: due)))
            graceEndsAt = now.advanced(byMilliseconds: graceMilliseconds)
        } else if recent.isEmpty {
            return
        }
        recent.removeAll { now.milliseconds(since: $0.at) > OwnStalls.memoryMilliseconds }
        allowanceMilliseconds = allowance()
    }

    private func allowance() -> Int64 {
        var longest: Int64 = 0
        var second: Int64 = 0
        for stall in recent {
            second = max(second, min(longest, stall.milliseconds))
            longest = max(longest, stall.milliseconds)
        }
        return min(2 * second, OwnStalls.longestAllowanceMilliseconds)
    }
}
