import Primitives
import WireProtocol

/// Where the last reads ended: a consumer that goes on from there needs no index.
struct ReadHints: Sendable {
    struct Hint: Hashable, Sendable {
        let offset: Offset
        let segmentBase: Offset
        let position: Int64
        /// The batch that stands there, where its header was seen: the next read needs not look again.
        let batch: RecordBatchHeader?
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

    func place(of offset: Offset, inSegment base: Offset) -> Hint? {
        hints.last { $0.offset == offset && $0.segmentBase == base }
    }

    mutating func removeAll() {
        hints = []
        next = 0
    }
}
