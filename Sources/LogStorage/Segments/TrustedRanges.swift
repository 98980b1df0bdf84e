import Primitives

/// Which bytes of a file are known to stand in memory as they should: written by this process, or compared with their
/// checksums, and not seen to have left the page cache since.
///
/// What leaves memory and comes back unseen, because another program reads the file, is bounded by time: no trust
/// lasts longer than `lastsMilliseconds` and the pause between two calls of `age`.
struct TrustedRanges: Sendable {
    private struct Piece: Sendable {
        var range: Range<Int64>
        /// When its oldest part was written or checked; nil for what was written since the last look at the clock.
        var since: MonotonicInstant?
    }

    /// In the order of the file; no two touch.
    private var pieces: [Piece] = []
    /// Nothing was written since the last call of `age`.
    private(set) var isQuiet = false

    /// For several readers in different places of one file; beyond that, what was trusted longest is forgotten.
    static let piecesMax = 4

    /// The time after which what was written or checked is checked again.
    static let lastsMilliseconds: Int64 = 5 * 60 * 1_000

    /// This process wrote there.
    mutating func wrote(_ range: Range<Int64>) {
        isQuiet = false
        add(range, since: nil)
    }

    /// All of it was found to be sound.
    mutating func checked(_ range: Range<Int64>, now: MonotonicInstant) { add(range, since: now) }

    private mutating func add(_ range: Range<Int64>, since: MonotonicInstant?) {
        guard !range.isEmpty else { return }
        // Nearly all writes go to the end of the last piece.
        if let last = pieces.last, last.range.upperBound == range.lowerBound {
            pieces[pieces.count - 1].range = last.range.lowerBound..<range.upperBound
            pieces[pieces.count - 1].since = last.since ?? since
            return
        }
        var added = Piece(range: range, since: since)
        pieces.removeAll { piece in
            guard piece.range.lowerBound <= added.range.upperBound, piece.range.upperBound >= added.range.lowerBound
            else { return false }
            let lower = min(piece.range.lowerBound, added.range.lowerBound)
            added.range = lower..<max(piece.range.upperBound, added.range.upperBound)
            if let old = piece.since { added.since = min(old, added.since ?? old) }
            return true
        }
        pieces.insert(added, at: pieces.firstIndex { $0.range.lowerBound > range.lowerBound } ?? pieces.count)
        if pieces.count > TrustedRanges.piecesMax, let oldest = pieces.compactMap(\.since).min() {
            pieces.removeAll { $0.since == oldest }
        }
        if pieces.count > TrustedRanges.piecesMax { pieces.removeFirst() }
    }

    /// Whether all of it may be sent as it stands in memory, if it stands there.
    mutating func contains(_ range: Range<Int64>, now: MonotonicInstant) -> Bool {
        guard let index = pieces.firstIndex(where: { $0.range.upperBound >= range.upperBound }),
            pieces[index].range.lowerBound <= range.lowerBound
        else { return false }
        guard let since = pieces[index].since else {
            pieces[index].since = now
            return true
        }
        if now.milliseconds(since: since) <= TrustedRanges.lastsMilliseconds { return true }
        pieces.remove(at: index)
        return false
    }

    /// Whether a byte of it is trusted.
    func touches(_ range: Range<Int64>) -> Bool { pieces.contains { $0.range.overlaps(range) } }

    /// Where trust begins next behind a position.
    func next(behind position: Int64) -> Int64? { pieces.first { $0.range.lowerBound >= position }?.range.lowerBound }

    /// A byte of it was not in memory: what else of the pieces around it left memory is not known.
    mutating func end(_ range: Range<Int64>) { pieces.removeAll { $0.range.overlaps(range) } }

    /// The file ends there now.
    mutating func cut(to size: Int64) {
        pieces = pieces.compactMap { piece in
            guard piece.range.lowerBound < size else { return nil }
            return Piece(range: piece.range.lowerBound..<min(piece.range.upperBound, size), since: piece.since)
        }
    }

    /// Forgets what was trusted too long; to be called from time to time.
    mutating func age(now: MonotonicInstant) {
        isQuiet = true
        for index in pieces.indices where pieces[index].since == nil { pieces[index].since = now }
        pieces.removeAll { piece in
            piece.since.map { now.milliseconds(since: $0) > TrustedRanges.lastsMilliseconds } ?? false
        }
    }
}
