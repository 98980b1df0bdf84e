import Primitives

/// Whether a log directory takes writes so slowly that no loop may wait for them, judged by how long each took.
///
/// One slow write is enough to say so: a loop has paid for it. That it is fast again takes a while without another one.
/// A directory that is slow again soon after has to be fast for longer the next time, as each relapse costs a loop one
/// more wait.
struct WritePace: Hashable, Sendable {
    /// A write that takes so long is slow. One into the page cache takes some microseconds.
    static let slowMilliseconds: Int64 = 20
    /// How long and for how many writes a slow directory has to be fast to be called so.
    static let probationMilliseconds: ClosedRange<Int64> = 1_000...64_000
    static let fastWritesMin = 10
    /// A directory that was fast for less than so many of its probations has had a relapse.
    private static let relapseProbations: Int64 = 4

    /// What a write has changed.
    enum Turn: Hashable, Sendable {
        case slow
        case fast
    }

    private(set) var isSlow = false
    private(set) var probation = WritePace.probationMilliseconds.lowerBound
    /// When the last slow write ended.
    private var slowUntil = MonotonicInstant(0)
    private var fastWrites = 0
    /// When it was called fast after it had been slow.
    private var fastSince: MonotonicInstant?

    /// Takes note of a write.
    mutating func wrote(from begun: MonotonicInstant, to ended: MonotonicInstant) -> Turn? {
        if WritePace.isSlow(from: begun, to: ended) {
            slowUntil = max(slowUntil, ended)
            fastWrites = 0
            if isSlow { return nil }
            let range = WritePace.probationMilliseconds
            let isRelapse =
                fastSince.map { ended.milliseconds(since: $0) < WritePace.relapseProbations * probation } ?? false
            probation = isRelapse ? min(2 * probation, range.upperBound) : range.lowerBound
            isSlow = true
            return .slow
        }
        guard isSlow else { return nil }
        fastWrites += 1
        guard fastWrites >= WritePace.fastWritesMin, ended.milliseconds(since: slowUntil) >= probation else {
            return nil
        }
        isSlow = false
        fastSince = ended
        return .fast
    }

    static func isSlow(from begun: MonotonicInstant, to ended: MonotonicInstant) -> Bool {
        ended.value - begun.value >= slowMilliseconds * 1_000_000
    }
}
