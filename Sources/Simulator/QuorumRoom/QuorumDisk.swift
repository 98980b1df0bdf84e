package import Primitives
package import Quorum

/// One record of a simulated metadata log.
package struct QuorumEntry: Hashable, Sendable {
    package let epoch: LeaderEpoch
    /// 0 for the record that opens an epoch; every other value is written once in a run.
    package let value: UInt64
    /// What it changes about the quorum; its value stands for it in bytes.
    package var change: QuorumChange.Content?
}

/// A simulated node's disk: its log, newest snapshot and vote file; what a crash leaves of them.
package struct QuorumDisk: Sendable {
    package private(set) var election: ElectionState
    /// The log as a reader sees it, with what its start snapshot stands for in front.
    package private(set) var entries: [QuorumEntry] = []
    /// The newest voters that an entry names.
    private(set) var newestVoters: VoterSet?
    /// Up to here the log is surely found again after a loss of power.
    package private(set) var durableEnd = 0
    /// What was durable before a cut that may not have reached the disk.
    private var uncut: [QuorumEntry]?
    package private(set) var startSnapshot: SnapshotID?
    package private(set) var snapshot: (id: SnapshotID, entries: [QuorumEntry])?
    private var download: [UInt8] = []
    /// Grows whenever entries change that were there before.
    package private(set) var generation = 0

    /// The directory's name, of the disk and not of the node.
    package let directoryID: DirectoryID?
    /// The voters that the directory was formatted with.
    let founding: VoterSet?

    init(directoryID: DirectoryID? = nil, founding: VoterSet? = nil) {
        // A directory that still has what it was formatted with never held a log, and so no vote.
        election = ElectionState(standing: founding == nil ? .unproven : .founding)
        self.directoryID = directoryID
        self.founding = founding
    }

    mutating func persist(_ state: ElectionState) { election = state }

    mutating func append(_ added: [QuorumEntry]) {
        entries += added
        newestVoters = QuorumDisk.newestVoters(added[...]) ?? newestVoters
    }

    private static func newestVoters(_ entries: ArraySlice<QuorumEntry>) -> VoterSet? {
        for entry in entries.reversed() { if case .voters(let voters)? = entry.change { return voters } }
        return nil
    }

    /// Who votes by this disk.
    var voters: VoterSet? { newestVoters ?? founding }

    /// Entries that were there are there no more.
    private mutating func entriesChanged() {
        generation += 1
        newestVoters = QuorumDisk.newestVoters(entries[...])
    }

    mutating func truncate(to end: Offset) {
        let end = Int(end.value)
        if end < durableEnd {
            if uncut == nil { uncut = Array(entries[..<durableEnd]) }
            durableEnd = end
        }
        entries.removeSubrange(end...)
        entriesChanged()
    }

    /// A flush that began when the log had `end` entries has ended, with no cut between.
    mutating func flushed(_ end: Int) {
        uncut = nil
        durableEnd = max(durableEnd, end)
    }

    mutating func takeSnapshot(end: Offset) -> SnapshotID {
        let id = SnapshotID(endOffset: end, epoch: entries[Int(end.value) - 1].epoch)
        snapshot = (id, Array(entries[..<Int(end.value)]))
        return id
    }

    mutating func dropPrefix(upTo id: SnapshotID) { startSnapshot = id }

    mutating func keep(_ piece: SnapshotPiece) {
        if piece.position == 0 { download = [] }
        download += piece.bytes.array
    }

    /// Takes what came over in place of the log.
    ///
    /// - Parameter changes: what the values of control records stand for.
    mutating func install(_ id: SnapshotID, changes: [UInt64: QuorumChange.Content]) {
        entries = QuorumDisk.decode(download, changes)
        precondition(entries.count == Int(id.endOffset.value), "a snapshot with pieces missing")
        settle()
        startSnapshot = id
        snapshot = (id, entries)
        entriesChanged()
    }

    /// The machine loses power: of what was not flushed some prefix is left, and a cut may not have happened.
    mutating func losePower(using generator: inout SeededGenerator) {
        if let uncut, generator.chance(1, in: 2) {
            entries = uncut
        } else {
            let kept = durableEnd + Int(generator.next() % UInt64(entries.count - durableEnd + 1))
            entries.removeSubrange(kept...)
        }
        entriesChanged()
        settle()
    }

    /// What is found at a start is flushed before it is used.
    mutating func settle() {
        durableEnd = entries.count
        uncut = nil
    }

    /// What the core finds at a start.
    var view: LogView {
        let start = startSnapshot?.endOffset.value ?? 0
        var epochs: [EpochStart] = []
        for (offset, entry) in entries.enumerated().dropFirst(Int(start)) where epochs.last?.epoch != entry.epoch {
            epochs.append(EpochStart(epoch: entry.epoch, start: Offset(Int64(offset))))
        }
        return LogView(
            startSnapshot: startSnapshot, latestSnapshot: snapshot?.id, epochs: epochs,
            end: Offset(Int64(entries.count)))
    }

    /// Who votes, as the core finds it at a start.
    func history(configured: VoterSet) -> VoterHistory {
        var history = VoterHistory(configured: configured, founding: founding)
        for (offset, entry) in entries.enumerated() {
            if let change = entry.change { history.append(QuorumChange(offset: Offset(Int64(offset)), change)) }
        }
        return history
    }

    // MARK: Bytes on the network

    /// At most `count` entries from `offset` on, as batches of one epoch each.
    func batches(from offset: Offset, count: Int) -> [FetchedBatch] {
        var made: [FetchedBatch] = []
        var position = Int(offset.value)
        let end = min(entries.count, position + count)
        while position < end {
            let epoch = entries[position].epoch
            let run = entries[position..<end].prefix { $0.epoch == epoch }
            var bytes: [UInt8] = []
            for entry in run { QuorumDisk.encode(entry.value, into: &bytes) }
            let changes = run.enumerated().compactMap { step, entry in
                entry.change.map { QuorumChange(offset: Offset(Int64(position + step)), $0) }
            }
            made.append(
                FetchedBatch(
                    base: Offset(Int64(position)), end: Offset(Int64(position + run.count)), epoch: epoch,
                    bytes: Bytes(bytes), changes: changes))
            position += run.count
        }
        return made
    }

    static func entries(of batch: FetchedBatch) -> [QuorumEntry] {
        (0..<Int(batch.end - batch.base)).map { step in
            QuorumEntry(
                epoch: batch.epoch, value: batch.bytes.bigEndian(UInt64.self, at: step * 8),
                change: batch.changes.first { $0.offset == batch.base + Int64(step) }?.content)
        }
    }

    func piece(_ fetch: SnapshotFetch, maxBytes: Int) -> SnapshotPiece? {
        guard let snapshot, snapshot.id == fetch.snapshot else { return nil }
        var bytes: [UInt8] = []
        for entry in snapshot.entries {
            QuorumDisk.encode(UInt64(entry.epoch.value), into: &bytes)
            QuorumDisk.encode(entry.value, into: &bytes)
        }
        let from = min(Int(fetch.position), bytes.count)
        let part = Array(bytes[from..<min(from + maxBytes, bytes.count)])
        return SnapshotPiece(
            snapshot: fetch.snapshot, sizeBytes: Int64(bytes.count), position: fetch.position, bytes: Bytes(part))
    }

    private static func decode(_ bytes: [UInt8], _ changes: [UInt64: QuorumChange.Content]) -> [QuorumEntry] {
        let whole = Bytes(bytes)
        return stride(from: 0, to: bytes.count, by: 16).map {
            let value = whole.bigEndian(UInt64.self, at: $0 + 8)
            return QuorumEntry(
                epoch: LeaderEpoch(Int32(whole.bigEndian(UInt64.self, at: $0))), value: value, change: changes[value])
        }
    }

    private static func encode(_ value: UInt64, into bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}
