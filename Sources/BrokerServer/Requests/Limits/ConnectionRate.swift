import Primitives

/// How many connections a second may come; a second's worth may come at once.
struct ConnectionRate {
    /// Longest wait that a connection is given; beyond it, it is refused.
    static let waitMillisecondsMax: Int64 = 5_000
    private static let nanosecondsPerSecond: Int64 = 1_000_000_000

    /// When all that came so far would have come at an even pace.
    private var paidUntil = MonotonicInstant(.min / 2)

    /// How long one more connection has to wait, in milliseconds; nil where it would be too long. It is counted only
    /// once it is taken.
    func wait(perSecond: Int, now: MonotonicInstant) -> Int64? {
        let ahead = paidUntil.value - now.value - ConnectionRate.nanosecondsPerSecond
        guard ahead > 0 else { return 0 }
        let milliseconds = ahead / 1_000_000 + 1
        return milliseconds <= ConnectionRate.waitMillisecondsMax ? milliseconds : nil
    }

    mutating func take(perSecond: Int, now: MonotonicInstant) {
        let price = ConnectionRate.nanosecondsPerSecond / Int64(max(perSecond, 1))
        paidUntil = MonotonicInstant(max(paidUntil.value, now.value) + price)
    }
}
