import Primitives

#if MUTANTS
    import Mutants
#endif

/// Which transactions of a log keep those from reading on who want only what is committed.
///
/// - Invariant: at most one transaction of a producer is ongoing; both lists are in the order of the log.
struct OpenTransactions: Sendable {
    private struct Ongoing {
        let producer: ProducerID
        let firstOffset: Offset
    }

    /// Its marker stands in the log, perhaps not below the high watermark yet.
    private struct Decided {
        let firstOffset: Offset
        let markerOffset: Offset
    }

    private var ongoing: [Ongoing] = []
    private var decided: [Decided] = []

    /// Whether none keeps anybody back.
    var isEmpty: Bool { ongoing.isEmpty && decided.isEmpty }

    /// Where the oldest that is ongoing begins.
    var firstOngoing: Offset? { ongoing.first?.firstOffset }

    /// The oldest marker that is not known to be committed.
    var firstMarker: Offset? { decided.first?.markerOffset }

    mutating func begin(_ producer: ProducerID, at offset: Offset) {
        // Batches come in order, but what a snapshot tells may not.
        let place = ongoing.lastIndex { $0.firstOffset <= offset }.map { $0 + 1 } ?? 0
        ongoing.insert(Ongoing(producer: producer, firstOffset: offset), at: place)
    }

    mutating func end(_ producer: ProducerID, markerOffset: Offset) {
        guard let place = ongoing.firstIndex(where: { $0.producer == producer }) else { return }
        decided.append(Decided(firstOffset: ongoing.remove(at: place).firstOffset, markerOffset: markerOffset))
    }

    /// Exclusive: all below it is decided for good (KIP-98), which takes a marker that nobody can lose.
    func lastStableOffset(highWatermark: Offset) -> Offset {
        var stable = min(highWatermark, firstOngoing ?? highWatermark)
        #if MUTANTS
            if Mutant.uncommittedMarkerCounts.isOn { return stable }
        #endif
        for transaction in decided[firstUncommitted(highWatermark)...] { stable = min(stable, transaction.firstOffset) }
        return stable
    }

    /// Forgets what is decided for good.
    mutating func committed(upTo highWatermark: Offset) {
        let count = firstUncommitted(highWatermark)
        if count > 0 { decided.removeFirst(count) }
    }

    private func firstUncommitted(_ highWatermark: Offset) -> Int {
        var low = 0
        var high = decided.count
        while low < high {
            let middle = (low + high) / 2
            if decided[middle].markerOffset < highWatermark { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
