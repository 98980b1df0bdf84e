import LogStorage
package import Primitives
package import Quorum
import WireMessages
import WireProtocol
package import World

/// The metadata log on the disk: batches, snapshots and the vote file, in one directory.
///
/// Every failure is final: a node that can't keep its metadata log must end.
package struct MetadataStore {
    /// The directory's name, as a partition's.
    package static let directoryName = "__cluster_metadata-0"
    /// The newest snapshots that are kept: the last one, and the one before for who is fetching it.
    static let snapshotsKept = 2
    /// Offsets flushed between two saves of the recovery point.
    static let recoveryPointInterval: Int64 = 100
    /// Bytes that are read at a time to find control records.
    private static let scanBytes = 1 << 20
    private static let topicName = "__cluster_metadata"

    let directory: String
    private let files: any FileStore
    private let clock: any Clock
    private var log: PartitionLog
    /// What the checkpoint beside the log says: everything below it was flushed.
    private var recoveryPoint: Offset
    package private(set) var snapshots: SnapshotFiles
    private var stateFile: QuorumStateFile
    /// What the vote file said when the store was opened.
    let election: ElectionState
    /// What was damaged and is done without.
    private(set) var damages: [String] = []
    /// Who votes, by the log when the store was opened.
    private(set) var history: VoterHistory

    /// Opens or makes the log in `parent`, cuts a torn tail, and flushes what is left.
    ///
    /// - Parameter configured: the static voters.
    package init(
        parent: String, segmentBytes: Int64, configured: VoterSet = .none, files: any FileStore, clock: any Clock
    ) throws {
        self.files = files
        self.clock = clock
        directory = parent + "/" + MetadataStore.directoryName
        var snapshots = SnapshotFiles(directory: directory, files: files)
        if files.exists(directory) { try snapshots.open() }
        var configuration = LogConfiguration()
        configuration.segmentBytes = segmentBytes
        configuration.segmentMilliseconds = .max
        configuration.isDeletedByRetention = false
        configuration.retentionMilliseconds = nil
        // What the oldest snapshot stands for is not needed. What lies below the recovery point was answered for:
        // damage there is an error, never a shorter log, which would be a voter that forgot.
        var saved = OffsetCheckpoint()
        do throws(DirectoryFileError) { saved = try OffsetCheckpoint.read(.recoveryPoint, in: directory, files) } catch
        {
            guard case .malformed = error else { throw error }
            damages.append("\(error); the whole metadata log is read, and a new one is written")
        }
        let start = RecoveryStart(
            wasCleanShutdown: false, recoveryPoint: saved.entries.first?.offset ?? .zero,
            logStartOffset: snapshots.all.first?.endOffset ?? .zero)
        var (log, _) = try PartitionLog.open(
            directory: directory, files: files, configuration: configuration, start: start, now: clock.timeOfDay)
        if let latest = snapshots.latest, MetadataStore.isLogOld(log, latest) {
            // The log goes only when what replaces it is whole.
            _ = try snapshots.load(latest)
            try snapshots.removeAll(before: latest)
            try log.truncateFullyAndStart(at: latest.endOffset)
        }
        if log.logStartOffset > .zero, !snapshots.all.contains(where: { $0.endOffset == log.logStartOffset }) {
            throw MetadataLogFailure(
                "\(directory) begins at offset \(log.logStartOffset), and the snapshot that stands for what was before "
                    + "is missing; empty the directory of this node, so that it fetches all from the leader")
        }
        try log.flush()
        stateFile = QuorumStateFile(directory: directory, files: files)
        let lastEpoch = log.latestEpoch ?? snapshots.latest?.epoch ?? .zero
        let founding = try snapshots.founding()
        election = try stateFile.read(
            logIsBlank: log.logEndOffset == .zero, isFounder: founding != nil, lastEpoch: lastEpoch)
        history = VoterHistory(configured: configured, founding: founding)
        self.log = log
        self.snapshots = snapshots
        recoveryPoint = .zero
        try readVoters()
    }

    /// Reads who votes from the snapshot before the log, and from the log.
    private mutating func readVoters() throws {
        if let start = snapshots.all.first(where: { $0.endOffset == log.logStartOffset }) {
            history.reset(to: try snapshots.load(start).voters, end: start.endOffset)
        }
        var position = log.logStartOffset
        while position < log.logEndOffset {
            var batches = RecordBatches(
                try log.readBytes(from: position, upTo: log.logEndOffset, maxBytes: MetadataStore.scanBytes))
            let before = position
            while let batch = try batches.next() {
                for change in try QuorumControlRecords.changes(in: batch) { history.append(change) }
                position = max(position, batch.header.nextOffset)
            }
            guard position > before else { throw MetadataLogFailure("\(directory) can't be read at offset \(before)") }
        }
    }

    /// A crash came between a fetched snapshot and the removal of the log that it replaces.
    private static func isLogOld(_ log: PartitionLog, _ snapshot: SnapshotID) -> Bool {
        let end = snapshot.endOffset
        if log.logEndOffset < end || log.logStartOffset > end { return true }
        return log.logStartOffset < end && log.epoch(at: Offset(end.value - 1)) != snapshot.epoch
    }

    /// What the core has to know of the log.
    package var view: LogView {
        let start = snapshots.all.first { $0.endOffset == log.logStartOffset }
        return LogView(
            startSnapshot: start, latestSnapshot: snapshots.latest,
            epochs: log.epochs.entries.map { EpochStart(epoch: $0.epoch, start: $0.startOffset) },
            end: log.logEndOffset)
    }

    package var end: Offset { log.logEndOffset }
    var sizeBytes: Int64 { log.sizeBytes }

    mutating func persist(_ state: ElectionState, history: VoterHistory) throws(FileError) {
        try stateFile.write(state, history: history)
    }

    // MARK: Log

    /// Writes one batch as leader; its base offset must be the log's end.
    mutating func append(_ batch: Bytes, epoch: LeaderEpoch) throws {
        for outcome in try log.appendAsLeader([batch], epoch: epoch, now: clock.timeOfDay) {
            guard case .appended = outcome else {
                throw MetadataLogFailure("the metadata log refused a batch of \(batch.count) bytes: \(outcome)")
            }
        }
    }

    mutating func append(fetched batches: [FetchedBatch]) throws {
        for batch in batches { try log.appendAsFollower(batch.bytes, now: clock.timeOfDay) }
    }

    mutating func truncate(to end: Offset) throws {
        try log.truncate(to: end)
        recoveryPoint = min(recoveryPoint, log.flushedEndOffset)
    }

    mutating func flush() throws {
        try log.flush()
        if log.flushedEndOffset - recoveryPoint >= MetadataStore.recoveryPointInterval { try saveRecoveryPoint() }
    }

    private mutating func saveRecoveryPoint() throws {
        let end = log.flushedEndOffset
        let entry = OffsetCheckpoint.Entry(
            topic: MetadataStore.topicName, partition: PartitionIndex(0), offset: end)
        try OffsetCheckpoint(entries: [entry]).write(.recoveryPoint, in: directory, files)
        try log.recoveryPointWasSaved(end)
        recoveryPoint = end
    }

    /// Whole batches from `offset` on that lie below `end`, at least one where there is one.
    package mutating func read(from offset: Offset, upTo end: Offset, maxBytes: Int) throws -> Bytes {
        try log.readBytes(from: offset, upTo: end, maxBytes: maxBytes)
    }

    // MARK: Snapshots

    /// The epoch of the last entry below `end`.
    func epoch(below end: Offset) -> LeaderEpoch? { log.epoch(at: Offset(end.value - 1)) }

    /// Writes a snapshot; returns the one before it, up to which the log may go now.
    mutating func write(
        _ id: SnapshotID, records: [Bytes], voters: SnapshotVoters, lastContainedLogTimestamp: Timestamp
    ) throws -> SnapshotID? {
        try snapshots.write(
            id, records: records, voters: voters, lastContainedLogTimestamp: lastContainedLogTimestamp,
            now: clock.timeOfDay)
        guard snapshots.all.count >= MetadataStore.snapshotsKept else { return nil }
        return snapshots.all[snapshots.all.count - MetadataStore.snapshotsKept]
    }

    /// Removes what `snapshot` stands for.
    mutating func dropPrefix(upTo snapshot: SnapshotID) throws {
        try snapshots.removeAll(before: snapshot)
        for removal in try log.incrementLogStartOffset(to: snapshot.endOffset) { try removal.run(files) }
    }

    mutating func keep(_ piece: SnapshotPiece) throws { try snapshots.keep(piece) }

    /// Takes a fetched snapshot in place of the whole log; throws when it is none.
    mutating func install(_ id: SnapshotID) throws -> LoadedSnapshot {
        try snapshots.completeDownload(id)
        let loaded = try snapshots.load(id)
        try log.truncateFullyAndStart(at: id.endOffset)
        try log.flush()
        return loaded
    }

    /// Flushes and closes.
    package mutating func close() throws { try log.close() }
}
