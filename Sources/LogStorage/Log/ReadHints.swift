import Primitives

/// Where the last reads ended: a consumer that goes on from there needs no index.
struct ReadHints: Sendable {
    struct Hint: Hashable, Sendable {
        let offset: Offset
        let segmentBase: Offset
        let position: Int64
    }

    private var hints: [Hint] = []
    private var next = 0

    private static let hintsMax = 8

    mutating func remember(_ hint: Hint) {
        if hints.count < ReadHints.hintsMax {
            hints.append(hint)
        } else {
            hints[next] = hint
            next = (next + 1) % ReadHints.hintsMax
        }
    }

    func position(of offset: Offset, inSegment base: Offset) -> Int64? {
        hints.first { $0.offset == offset && $0.segmentBase == base }?.position
    }

    mutating func removeAll() {
        hints = []
        next = 0
    }
}
