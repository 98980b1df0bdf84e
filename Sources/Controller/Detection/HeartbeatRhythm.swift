import Primitives

/// The rhythm in which one broker's heartbeats arrive: what is silence for one is usual for another.
///
/// φ-accrual (Hayashibara et al., 2004) in the form with exponential intervals, where φ is the silence over the mean
/// interval. A broker that pauses, or says that its loop is held up, is given more time: it has shown that it is slow.
struct HeartbeatRhythm: Hashable, Sendable {
    /// As many intervals are remembered: ten seconds of them.
    static let intervalsMax = 100
    /// So many intervals of the expected length are taken as known beforehand, or the first ones would mean too much.
    static let expectedCount: Int64 = 5

    private(set) var last: MonotonicInstant
    private var intervals: [Int64] = []
    private var next = 0
    private var sum: Int64 = 0
    /// The longest lag that the broker told of in this spell of intervals, and in the one before.
    private var recentLagMilliseconds: Int64 = 0
    private var formerLagMilliseconds: Int64 = 0

    init(first: MonotonicInstant) { last = first }

    mutating func heard(at now: MonotonicInstant, lagMilliseconds: Int64) {
        let interval = max(now.milliseconds(since: last), 0)
        last = now
        if intervals.count < HeartbeatRhythm.intervalsMax {
            intervals.append(interval)
        } else {
            sum -= intervals[next]
            intervals[next] = interval
        }
        sum += interval
        next = (next + 1) % HeartbeatRhythm.intervalsMax
        if next == 0 { (formerLagMilliseconds, recentLagMilliseconds) = (recentLagMilliseconds, 0) }
        recentLagMilliseconds = max(recentLagMilliseconds, lagMilliseconds)
    }

    func silence(now: MonotonicInstant) -> Int64 { max(now.milliseconds(since: last), 0) }

    /// How long it must be silent to be suspected: a floor, so many mean intervals, twice its longest pause of late, or
    /// four times the lag it told of.
    func patience(_ settings: DetectionSettings) -> Int64 {
        let known = HeartbeatRhythm.expectedCount
        let mean = (sum + known * settings.heartbeatMilliseconds) / (Int64(intervals.count) + known)
        return max(
            settings.silenceMilliseconds, settings.silenceIntervals * max(mean, settings.heartbeatMilliseconds),
            2 * (intervals.max() ?? 0), 4 * max(recentLagMilliseconds, formerLagMilliseconds))
    }

    /// Whether it came when it was to be expected.
    func isOnTime(_ settings: DetectionSettings, now: MonotonicInstant) -> Bool {
        silence(now: now) <= patience(settings) / 2
    }
}
