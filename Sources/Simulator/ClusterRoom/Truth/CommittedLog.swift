import Primitives

/// What is committed of one partition: all that any leader ever counted below its high watermark, whatever became of
/// that leader. Only grows.
struct CommittedLog {
    private(set) var batches: [DiskBatch] = []
    private struct Stamp: Hashable {
        let producer: ProducerID
        let epoch: ProducerEpoch
        let sequence: Int32
    }

    private struct Writer: Hashable {
        let producer: ProducerID
        let epoch: ProducerEpoch
    }

    private var stamps: [Stamp: Offset] = [:]
    private var nextSequences: [Writer: Int32] = [:]

    /// The true high watermark.
    var end: Offset { batches.last?.end ?? .zero }

    /// A leader counts all below `end` as committed; takes that over from its disk.
    ///
    /// - Returns: what is wrong with it; nil for nothing.
    mutating func extend(from log: DiskLog, to end: Offset) -> String? {
        var index = log.index(behind: self.end)
        while index < log.batches.count, log.batches[index].end <= end {
            let batch = log.batches[index]
            if !batches.isEmpty, batch.base != self.end {
                return "the batch at \(batch.base) does not follow \(self.end)"
            }
            if let reason = note(batch) { return reason }
            batches.append(batch)
            index += 1
        }
        if self.end < end { return "\(end) is counted as committed, but its disk ends at \(log.end ?? .zero)" }
        return nil
    }

    /// Who may lack committed records was made the leader on purpose: what it has not, or not below `limit`, is not
    /// committed any longer.
    mutating func cut(to log: DiskLog, below limit: Offset?) {
        let start = log.batches.first?.base ?? .zero
        let kept = batches.prefix { batch in
            if batch.end <= start { return true }
            if let limit, batch.end > limit { return false }
            let index = log.index(behind: batch.base)
            return index < log.batches.count && log.batches[index] == batch
        }
        guard kept.count < batches.count else { return }
        batches = Array(kept)
        stamps = [:]
        nextSequences = [:]
        for batch in batches { _ = note(batch) }
    }

    /// Exactly once, in order (P3): a producer's batches follow one another and none comes twice.
    private mutating func note(_ batch: DiskBatch) -> String? {
        guard let producer = batch.producerID, let epoch = batch.producerEpoch, let sequence = batch.baseSequence else {
            return nil
        }
        let stamp = Stamp(producer: producer, epoch: epoch, sequence: sequence)
        if let former = stamps.updateValue(batch.base, forKey: stamp) {
            return "P3: the batch \(sequence) of producer \(producer) stands at \(former) and at \(batch.base)"
        }
        let writer = Writer(producer: producer, epoch: epoch)
        if let next = nextSequences[writer], next != sequence {
            return "P3: producer \(producer) wrote \(sequence) at \(batch.base), where \(next) was due"
        }
        nextSequences[writer] = Int32((Int64(sequence) + Int64(batch.recordCount)) & 0x7fff_ffff)
        return nil
    }

    /// Whether a log has all batches from the end of what is committed up to `end`.
    func isContinued(by log: DiskLog, to end: Offset) -> Bool {
        var (index, reached) = (log.index(behind: self.end), self.end)
        while index < log.batches.count, log.batches[index].base == reached, reached < end {
            reached = log.batches[index].end
            index += 1
        }
        return reached >= end
    }

    /// Whether a log has all that is committed.
    func isHeld(by log: DiskLog) -> Bool {
        log.end ?? .zero >= end && difference(to: log, from: log.batches.first?.base ?? end, below: end) == nil
    }

    /// Where a log differs from what is committed between two offsets; nil where it does not.
    func difference(to log: DiskLog, from start: Offset, below limit: Offset) -> String? {
        guard start < limit else { return nil }
        var (mine, its) = (index(behind: start), log.index(behind: start))
        while mine < batches.count, batches[mine].base < limit {
            guard its < log.batches.count else {
                return "ends at \(log.end ?? .zero) and lacks the committed batch at \(batches[mine].base)"
            }
            guard batches[mine] == log.batches[its] else {
                return "has \(CommittedLog.words(log.batches[its])), committed is \(CommittedLog.words(batches[mine]))"
            }
            mine += 1
            its += 1
        }
        return nil
    }

    private static func words(_ batch: DiskBatch) -> String {
        "\(batch.base)..<\(batch.end) of epoch \(batch.epoch) with checksum \(batch.checksum)"
    }

    private func index(behind offset: Offset) -> Int {
        var (low, high) = (0, batches.count)
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The committed batches that end behind an offset.
    func batches(from offset: Offset) -> ArraySlice<DiskBatch> { batches[index(behind: offset)...] }

    /// The committed batch that starts at an offset.
    func batch(at base: Offset) -> DiskBatch? {
        let index = index(behind: base)
        return index < batches.count && batches[index].base == base ? batches[index] : nil
    }

    /// Where a producer's batch stands; nil where it is not committed.
    func offset(producer: ProducerID, epoch: ProducerEpoch, sequence: Int32) -> Offset? {
        stamps[Stamp(producer: producer, epoch: epoch, sequence: sequence)]
    }
}
