package import Primitives

/// Where each leader epoch starts in a log: what a follower's cut is found by (KIP-101, KIP-279).
///
/// - Invariant: epochs and start offsets both grow from entry to entry.
package struct LeaderEpochs: Hashable, Sendable {
    /// One epoch and the offset of its first record.
    package struct Entry: Hashable, Sendable {
        package let epoch: LeaderEpoch
        package let startOffset: Offset

        package init(epoch: LeaderEpoch, startOffset: Offset) {
            self.epoch = epoch
            self.startOffset = startOffset
        }
    }

    package private(set) var entries: [Entry] = []
    /// Counts changes, so that a flush knows which it has written.
    private(set) var version = 0

    package init() {}

    package var latest: Entry? { entries.last }

    /// An epoch begins. Entries that it contradicts (a later start or a greater epoch) go: the log is the truth.
    package mutating func assign(_ epoch: LeaderEpoch, startOffset: Offset) {
        if let latest, latest.epoch == epoch, latest.startOffset <= startOffset { return }
        while let latest, latest.startOffset >= startOffset || latest.epoch >= epoch { entries.removeLast() }
        entries.append(Entry(epoch: epoch, startOffset: startOffset))
        version += 1
    }

    /// The largest known epoch at or below `epoch`, and where it ends.
    ///
    /// An epoch older than all known ones ends where the first known one starts: what lay between is removed from the
    /// log, and a follower can start there. Nil when no epoch is known.
    package func endOffset(for epoch: LeaderEpoch, logEndOffset: Offset) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        guard let first = entries.first else { return nil }
        let after = partitionPoint { $0.epoch <= epoch }
        let end = after == entries.count ? logEndOffset : entries[after].startOffset
        return after == 0 ? (epoch, first.startOffset) : (entries[after - 1].epoch, end)
    }

    /// The epoch of the record at `offset`.
    package func epoch(at offset: Offset) -> LeaderEpoch? {
        let after = partitionPoint { $0.startOffset <= offset }
        return after == 0 ? nil : entries[after - 1].epoch
    }

    /// Drops the epochs that start at or behind `end`: the log was cut there.
    package mutating func truncateFromEnd(_ end: Offset) {
        let kept = partitionPoint { $0.startOffset < end }
        guard kept < entries.count else { return }
        entries.removeSubrange(kept...)
        version += 1
    }

    /// Drops the epochs that end at or before `start`; the one that reaches over it starts there.
    package mutating func truncateFromStart(_ start: Offset) {
        let after = partitionPoint { $0.startOffset <= start }
        guard after > 0, entries[0].startOffset < start else { return }
        let spanning = Entry(epoch: entries[after - 1].epoch, startOffset: start)
        entries.replaceSubrange(0..<after, with: [spanning])
        version += 1
    }

    /// Takes another log's epochs, as those of a whole copy of it.
    mutating func adopt(_ other: LeaderEpochs) {
        guard entries != other.entries else { return }
        entries = other.entries
        version += 1
    }

    /// Forgets every epoch.
    package mutating func removeAll() {
        entries = []
        version += 1
    }

    private func partitionPoint(_ isBefore: (Entry) -> Bool) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The text file `leader-epoch-checkpoint`: version 0, the number of entries, then `epoch startOffset` a line.
extension LeaderEpochs {
    static let fileName = "leader-epoch-checkpoint"

    /// The content of the file.
    package var encoded: [UInt8] {
        CheckpointText(lines: entries.map { "\($0.epoch) \($0.startOffset)" }).encoded
    }

    /// Reads the file; nil when it is damaged, so that the epochs must be found in the log.
    package init?(encoded content: [UInt8]) {
        guard let text = try? CheckpointText(encoded: content) else { return nil }
        for line in text.lines {
            let fields = line.split(separator: " ")
            guard fields.count == 2, let epoch = Int32(fields[0]), let start = Int64(fields[1]), epoch >= 0, start >= 0
            else { return nil }
            if let latest, latest.epoch.value >= epoch || latest.startOffset.value >= start { return nil }
            entries.append(Entry(epoch: LeaderEpoch(epoch), startOffset: Offset(start)))
        }
    }
}
