import Controller
package import Primitives
import Replication

/// One record of the simulated partition.
package struct ReplicaEntry: Hashable, Sendable {
    package let epoch: LeaderEpoch
    package let value: UInt64
    /// Over this record and all before it: two logs agree up to an offset if their last chains there are equal.
    package let chain: UInt64
}

/// The log of one replica and what of it is on the disk.
///
/// Permitted faults: a power loss takes any part of what was not flushed; what was flushed goes only where all die
/// together, and never from all.
package struct ReplicaDisk: Hashable, Sendable {
    package private(set) var entries: [ReplicaEntry] = []
    /// Where each epoch starts, with those that have no record.
    private var epochs: [EpochStart] = []
    /// Exclusive: what a power loss leaves.
    package private(set) var flushedEnd = 0
    /// Changes with each cut: a flush that was under way then says nothing.
    package private(set) var generation = 0
    /// The high watermark when it was last written down; a hint.
    package var checkpointedHighWatermark = Offset.zero
    /// The broker epoch of a life that ended in order; nil after a crash.
    package var cleanEpoch: BrokerEpoch?

    private struct EpochStart: Hashable, Sendable {
        let epoch: LeaderEpoch
        let start: Int
    }

    package var end: Offset { Offset(Int64(entries.count)) }
    package var flushed: Offset { Offset(Int64(flushedEnd)) }
    var latestEpoch: LeaderEpoch? { epochs.last?.epoch }

    /// The epochs that a recovery report names.
    var toldEpochs: [RecoveryReport.EpochStart] {
        epochs.map { RecoveryReport.EpochStart(epoch: $0.epoch, startOffset: Offset(Int64($0.start))) }
    }

    /// The chain over all below `offset`.
    package func chain(below offset: Offset) -> UInt64 {
        offset == .zero ? 0 : entries[Int(offset.value) - 1].chain
    }

    mutating func append(_ value: UInt64, epoch: LeaderEpoch) {
        var mixer = SeededGenerator(seed: (entries.last?.chain ?? 0) ^ value &* 31 ^ UInt64(epoch.value))
        append(ReplicaEntry(epoch: epoch, value: value, chain: mixer.next()))
    }

    mutating func append(_ entry: ReplicaEntry) {
        assign(entry.epoch)
        entries.append(entry)
    }

    /// An epoch starts at the log end, unless it is known.
    mutating func assign(_ epoch: LeaderEpoch) {
        if let last = epochs.last, last.epoch >= epoch { return }
        epochs.append(EpochStart(epoch: epoch, start: entries.count))
    }

    /// The largest epoch at or below `epoch`, with its end.
    func endOffset(for epoch: LeaderEpoch) -> EpochEnd? {
        guard let index = epochs.lastIndex(where: { $0.epoch <= epoch }) else {
            return epochs.first.map { EpochEnd(epoch: epoch, endOffset: Offset(Int64($0.start))) }
        }
        let end = index + 1 < epochs.count ? epochs[index + 1].start : entries.count
        return EpochEnd(epoch: epochs[index].epoch, endOffset: Offset(Int64(end)))
    }

    mutating func truncate(to offset: Offset) {
        let cut = Int(offset.value)
        generation += 1
        entries.removeLast(max(entries.count - cut, 0))
        epochs.removeAll { $0.start >= cut }
        flushedEnd = min(flushedEnd, cut)
    }

    mutating func noteFlush(to end: Int, generation flushedGeneration: Int) {
        if flushedGeneration == generation { flushedEnd = max(flushedEnd, end) }
    }

    /// The log is removed.
    mutating func wipe() {
        truncate(to: .zero)
        checkpointedHighWatermark = .zero
    }

    /// What is left after a power loss: at least what was flushed.
    mutating func losePower(using generator: inout SeededGenerator) {
        let unflushed = entries.count - flushedEnd
        truncate(to: Offset(Int64(flushedEnd) + Int64(generator.next() % UInt64(unflushed + 1))))
        forgetEmptyEpochs()
    }

    /// Some of the end is lost, flushed or not, or all of it.
    mutating func cutShort(using generator: inout SeededGenerator) {
        let lost = generator.chance(1, in: 3) ? entries.count : Int(generator.next() % UInt64(entries.count + 1))
        truncate(to: Offset(Int64(entries.count - lost)))
        forgetEmptyEpochs()
    }

    /// Recovery reads the log and flushes what it found; epochs without a record are known only from their file.
    mutating func recover() {
        forgetEmptyEpochs()
        flushedEnd = entries.count
    }

    private mutating func forgetEmptyEpochs() {
        epochs = []
        for (index, entry) in entries.enumerated() where epochs.last?.epoch != entry.epoch {
            epochs.append(EpochStart(epoch: entry.epoch, start: index))
        }
    }
}
