import Primitives

/// What the operator of a quorum with dynamic voters wants, and has asked for.
struct VoterOperator {
    struct Ask {
        let wish: MetadataLogTruth.Wish
        /// How many sets of voters had been committed before it.
        let setsBefore: Int
        /// Until then it may be made, though nobody answers.
        let mayComeUntil: MonotonicInstant
        var isAnswered = false
    }

    /// The machines that are to be voters.
    var wanted: Set<Int>
    var generator: SeededGenerator
    private(set) var asks: [Int: Ask] = [:]
    private var lastAsk = 0

    /// So many may be open at a time: the quorum has to make one after the other.
    static let openMax = 2
    /// So many may be made yet, though nobody waits for their answers any more.
    static let pendingMax = 6
    /// A request that nobody answered may still be on its way for so long: held back by a cut wire, or in a process
    /// that stands still.
    private static let lateMilliseconds: Int64 = 30_000

    init(wanted: Set<Int>, generator: SeededGenerator) {
        self.wanted = wanted
        self.generator = generator
    }

    /// The changes that may be made yet, each once.
    var pending: [MetadataLogTruth.Wish] { wishes { _ in true } }

    /// Those that somebody waits for.
    var open: [MetadataLogTruth.Wish] { wishes { !$0.isAnswered } }

    private func wishes(where isMeant: (Ask) -> Bool) -> [MetadataLogTruth.Wish] {
        var found: [MetadataLogTruth.Wish] = []
        for (_, ask) in asks.sorted(by: { $0.key < $1.key }) where isMeant(ask) && !found.contains(ask.wish) {
            found.append(ask.wish)
        }
        return found
    }

    mutating func asked(_ wish: MetadataLogTruth.Wish, at now: MonotonicInstant, setsBefore: Int) -> Int {
        lastAsk += 1
        asks[lastAsk] = Ask(
            wish: wish, setsBefore: setsBefore,
            mayComeUntil: now.advanced(byMilliseconds: VoterOperator.lateMilliseconds))
        return lastAsk
    }

    /// - Parameter isOver: whether it is made, or never will be.
    mutating func answered(_ number: Int, isOver: Bool) {
        if isOver { asks[number] = nil } else { asks[number]?.isAnswered = true }
    }

    mutating func forget(at now: MonotonicInstant) { asks = asks.filter { $0.value.mayComeUntil > now } }
}
