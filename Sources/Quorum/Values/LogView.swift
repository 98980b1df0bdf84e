package import Primitives

/// A snapshot of the metadata: the exclusive end of the log it stands for and the epoch of its last record.
package struct SnapshotID: Hashable, Comparable, Sendable {
    package let endOffset: Offset
    package let epoch: LeaderEpoch

    package init(endOffset: Offset, epoch: LeaderEpoch) {
        self.endOffset = endOffset
        self.epoch = epoch
    }

    package static func < (left: SnapshotID, right: SnapshotID) -> Bool {
        left.endOffset != right.endOffset ? left.endOffset < right.endOffset : left.epoch < right.epoch
    }
}

/// Where the entries of an epoch begin.
package struct EpochStart: Hashable, Sendable {
    package let epoch: LeaderEpoch
    package let start: Offset

    package init(epoch: LeaderEpoch, start: Offset) {
        self.epoch = epoch
        self.start = start
    }
}

/// An epoch and the exclusive end of its entries in one log.
package struct EpochEnd: Hashable, Sendable {
    package let epoch: LeaderEpoch
    package let end: Offset

    package init(epoch: LeaderEpoch, end: Offset) {
        self.epoch = epoch
        self.end = end
    }
}

/// A flush that was asked for; one from before a truncation proves nothing about what was written after it.
package struct FlushTicket: Hashable, Sendable {
    package let generation: UInt64
    package let end: Offset

    package init(generation: UInt64, end: Offset) {
        self.generation = generation
        self.end = end
    }
}

/// What the core knows of its replica's log: where it begins and ends, which epoch wrote what, how much is durable.
///
/// - Invariant: `start <= flushedEnd <= end`; `epochs` ascends in epoch and in start.
package struct LogView: Hashable, Sendable {
    /// What a follower's last offset and epoch are to a leader's log.
    package enum Position: Hashable, Sendable {
        case valid
        /// The follower must cut: here is this log's last epoch that is not greater than the asked one, and its end.
        case diverging(EpochEnd)
        /// The follower is behind the log's start and needs this snapshot.
        case needsSnapshot(SnapshotID)
    }

    /// The snapshot the log begins after; nil when it begins at 0.
    package private(set) var startSnapshot: SnapshotID?
    /// The newest snapshot that others can fetch.
    package private(set) var latestSnapshot: SnapshotID?
    package private(set) var epochs: [EpochStart]
    package private(set) var end: Offset
    package private(set) var flushedEnd: Offset
    private var generation: UInt64 = 0

    /// A log as it is after recovery: all of it durable.
    package init(
        startSnapshot: SnapshotID? = nil, latestSnapshot: SnapshotID? = nil, epochs: [EpochStart] = [],
        end: Offset = .zero
    ) {
        self.startSnapshot = startSnapshot
        self.latestSnapshot = max(startSnapshot, latestSnapshot)
        self.epochs = epochs
        self.end = end
        flushedEnd = end
        precondition(start <= end, "the metadata log ends before its start")
    }

    package var start: Offset { startSnapshot?.endOffset ?? .zero }

    /// The epoch of the last entry; 0 for a log that never had one.
    package var lastEpoch: LeaderEpoch { epochs.last?.epoch ?? startSnapshot?.epoch ?? .zero }

    /// No entry, and no snapshot in place of entries.
    package var isBlank: Bool { end == .zero }

    /// What a flush that starts now will prove.
    package var flushTicket: FlushTicket { FlushTicket(generation: generation, end: end) }

    /// The greatest epoch not above `epoch` that has entries here, and where it ends.
    package func end(of epoch: LeaderEpoch) -> EpochEnd {
        guard let index = epochs.lastIndex(where: { $0.epoch <= epoch }) else {
            return EpochEnd(epoch: startSnapshot?.epoch ?? .zero, end: start)
        }
        let end = index + 1 < epochs.count ? epochs[index + 1].start : end
        return EpochEnd(epoch: epochs[index].epoch, end: end)
    }

    /// Compares a follower's end and last epoch with this log (KIP-595, KIP-630).
    package func position(ofEnd offset: Offset, lastEpoch: LeaderEpoch) -> Position {
        if start == .zero, offset == .zero { return .valid }
        if let startSnapshot, let latestSnapshot {
            let isBeforeStart = offset < startSnapshot.endOffset || lastEpoch < startSnapshot.epoch
            let isOtherStart = offset == startSnapshot.endOffset && lastEpoch != startSnapshot.epoch
            if isBeforeStart || isOtherStart { return .needsSnapshot(latestSnapshot) }
        }
        let own = end(of: lastEpoch)
        return own.epoch != lastEpoch || own.end < offset ? .diverging(own) : .valid
    }

    /// Whether a candidate with this log end may lead a replica with this log.
    package func isNotAhead(ofEnd offset: Offset, lastEpoch candidateEpoch: LeaderEpoch) -> Bool {
        candidateEpoch > lastEpoch || candidateEpoch == lastEpoch && offset >= end
    }

    /// Where to cut when a leader's log holds `leader` as its last epoch not above ours.
    package func cut(against leader: EpochEnd) -> Offset {
        let own = end(of: leader.epoch)
        return own.epoch == leader.epoch ? min(own.end, leader.end) : own.end
    }

    package mutating func append(epoch: LeaderEpoch, through newEnd: Offset) {
        precondition(newEnd > end && epoch >= lastEpoch, "an append that does not follow the log's end")
        if epochs.last?.epoch != epoch { epochs.append(EpochStart(epoch: epoch, start: end)) }
        end = newEnd
    }

    package mutating func truncate(to newEnd: Offset) {
        precondition(newEnd >= start && newEnd <= end, "a cut outside the log")
        epochs.removeAll { $0.start >= newEnd }
        end = newEnd
        flushedEnd = min(flushedEnd, newEnd)
        generation += 1
    }

    /// Counts a finished flush; returns whether it made more durable.
    package mutating func flushed(_ ticket: FlushTicket) -> Bool {
        guard ticket.generation == generation, ticket.end > flushedEnd else { return false }
        flushedEnd = ticket.end
        return true
    }

    /// A snapshot was written or fetched.
    package mutating func snapshotTaken(_ snapshot: SnapshotID) { latestSnapshot = max(latestSnapshot, snapshot) }

    /// Forgets the entries that `snapshot` stands for.
    package mutating func dropPrefix(upTo snapshot: SnapshotID) {
        guard snapshot.endOffset > start else { return }
        precondition(snapshot.endOffset <= end, "a log start beyond its end")
        snapshotTaken(snapshot)
        let keptFrom = epochs.lastIndex { $0.start <= snapshot.endOffset }
        if let keptFrom {
            let first = epochs[keptFrom]
            epochs.removeFirst(keptFrom + 1)
            let hasEntries = (epochs.first?.start ?? end) > snapshot.endOffset
            if hasEntries { epochs.insert(EpochStart(epoch: first.epoch, start: snapshot.endOffset), at: 0) }
        }
        startSnapshot = snapshot
    }

    /// Starts anew after a fetched snapshot: the log is empty and begins at its end.
    package mutating func reset(to snapshot: SnapshotID) {
        startSnapshot = snapshot
        snapshotTaken(snapshot)
        epochs = []
        end = snapshot.endOffset
        flushedEnd = end
        generation += 1
    }
}

private func max(_ left: SnapshotID?, _ right: SnapshotID?) -> SnapshotID? {
    guard let left, let right else { return left ?? right }
    return left < right ? right : left
}
