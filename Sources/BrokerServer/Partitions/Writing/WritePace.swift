import Primitives

/// Whether a log directory takes writes so slowly that no loop may wait for them, judged by how long each took.
///
/// After one slow write no loop writes there any more: a loop has paid for it. It may also have been the processor that
/// was taken for so long, so only when more time was lost the directory is called slow. That it is fast again takes a
/// while without another slow write. A directory that is slow again soon after has to be fast for longer the next time,
/// as each relapse costs a loop one more wait.
struct WritePace: Hashable, Sendable {
    /// A write that takes so long is slow. One into the page cache takes some microseconds.
    static let slowMilliseconds: Int64 = 20
    /// A directory that has lost so much by slow writes, the last of which are no further apart than this, is slow.
    static let lostMillisecondsMin: Int64 = 100
    static let lossSpanMilliseconds: Int64 = 4_000
    /// For how many writes and how long loops stay away from a directory, before it is called slow and then.
    static let fastWritesMin = 10
    static let suspicionMilliseconds: Int64 = 200
    static let probationMilliseconds: ClosedRange<Int64> = 1_000...64_000
    /// A directory that was fast for less than so many of its probations has had a relapse.
    private static let relapseProbations: Int64 = 4

    /// What a write has changed.
    enum Turn: Hashable, Sendable {
        case slow
        case fast
    }

    private(set) var isSlow = false
    /// Whether its writes are done by its own threads.
    private(set) var handsOver = false
    private(set) var probation = WritePace.probationMilliseconds.lowerBound
    /// When the last slow write ended.
    private var slowUntil = MonotonicInstant(0)
    private var lostMilliseconds: Int64 = 0
    private var fastWrites = 0
    /// When it was called fast after it had been slow.
    private var fastSince: MonotonicInstant?

    /// Takes note of a write.
    mutating func wrote(from begun: MonotonicInstant, to ended: MonotonicInstant) -> Turn? {
        guard WritePace.isSlow(from: begun, to: ended) else { return wasFast(at: ended) }
        if begun.milliseconds(since: slowUntil) > WritePace.lossSpanMilliseconds { lostMilliseconds = 0 }
        lostMilliseconds += ended.milliseconds(since: begun)
        slowUntil = max(slowUntil, ended)
        fastWrites = 0
        handsOver = true
        guard !isSlow, lostMilliseconds >= WritePace.lostMillisecondsMin else { return nil }
        let range = WritePace.probationMilliseconds
        let isRelapse =
            fastSince.map { ended.milliseconds(since: $0) < WritePace.relapseProbations * probation } ?? false
        probation = isRelapse ? min(2 * probation, range.upperBound) : range.lowerBound
        isSlow = true
        return .slow
    }

    private mutating func wasFast(at instant: MonotonicInstant) -> Turn? {
        guard handsOver else { return nil }
        fastWrites += 1
        let quiet = isSlow ? probation : WritePace.suspicionMilliseconds
        guard fastWrites >= WritePace.fastWritesMin, instant.milliseconds(since: slowUntil) >= quiet else { return nil }
        handsOver = false
        guard isSlow else { return nil }
        isSlow = false
        lostMilliseconds = 0
        fastSince = instant
        return .fast
    }

    static func isSlow(from begun: MonotonicInstant, to ended: MonotonicInstant) -> Bool {
        ended.value - begun.value >= slowMilliseconds * 1_000_000
    }
}
