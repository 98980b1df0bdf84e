import LiveWorld
import LogStorage
import Primitives
import WireMessages
import WireProtocol
import World

/// The metadata log of a node that does not run: what it says of the voters, and one batch more at its end.
struct OfflineMetadataLog {
    private static let scanBytes = 1 << 20

    private(set) var log: PartitionLog
    /// Nil where the voters are static.
    private(set) var voters: [VotersRecord.Voter]?
    private(set) var kraftVersion: Int16 = 0
    private(set) var lastTimestamp: Timestamp?

    /// Opens the log in `directory`; what is torn at its end is cut, as at every start.
    init(directory: String, files: any FileStore, now: Timestamp) throws {
        let snapshots = try files.list(directory).compactMap { Self.snapshotEnd($0.name) }.sorted()
        let saved = try OffsetCheckpoint.read(.recoveryPoint, in: directory, files)
        var configuration = LogConfiguration()
        configuration.segmentMilliseconds = .max
        configuration.isDeletedByRetention = false
        configuration.retentionMilliseconds = nil
        let start = RecoveryStart(
            wasCleanShutdown: false, recoveryPoint: saved.entries.first?.offset ?? .zero,
            logStartOffset: snapshots.first?.end ?? .zero)
        log = try PartitionLog.open(
            directory: directory, files: files, configuration: configuration, start: start, now: now
        ).log
        let first = snapshots.last { $0.end <= log.logStartOffset } ?? snapshots.first
        if let first { try read(Bytes(try files.readAll(directory + "/" + first.name))) }
        if let newest = snapshots.last, newest.end > log.logEndOffset {
            throw ToolFailure(
                "\(directory): the snapshot at offset \(newest.end) is newer than the log, which ends at "
                    + "\(log.logEndOffset). Start this controller once, to take the snapshot in; then try again."
            )
        }
        var position = log.logStartOffset
        while position < log.logEndOffset {
            let end = try read(try log.readBytes(from: position, upTo: log.logEndOffset, maxBytes: Self.scanBytes))
            guard let end, end > position else { throw ToolFailure("\(directory) can't be read at offset \(position)") }
            position = end
        }
    }

    mutating func close() throws { try log.close() }

    var lastEpoch: LeaderEpoch { log.latestEpoch ?? .zero }

    /// Takes in what control records say of the voters; gives the end of the last batch.
    @discardableResult
    private mutating func read(_ bytes: Bytes) throws -> Offset? {
        var batches = RecordBatches(bytes)
        var end: Offset?
        while let batch = try batches.next() {
            end = batch.header.nextOffset
            lastTimestamp = batch.header.maxTimestamp
            guard batch.header.attributes.isControl else { continue }
            var records = try RecordIterator(batch)
            while let record = try records.next() {
                guard let key = record.key, let value = record.value else { continue }
                switch try ControlRecordType(key: key) {
                case .kraftVersion: kraftVersion = try KRaftVersionRecord.decode(value, version: 0).kRaftVersion
                case .kraftVoters: voters = try VotersRecord.decode(value, version: 0).voters
                case .abort, .commit, .leaderChange, .snapshotHeader, .snapshotFooter, nil: break
                }
            }
        }
        return end
    }

    private struct Snapshot: Comparable {
        let end: Offset
        let name: String
        static func < (left: Snapshot, right: Snapshot) -> Bool { left.end < right.end }
    }

    private static func snapshotEnd(_ name: String) -> Snapshot? {
        let suffix = ".checkpoint"
        guard name.hasSuffix(suffix) else { return nil }
        let parts = name.dropLast(suffix.count).split(separator: "-")
        guard parts.count == 2, parts[0].count == 20, parts[1].count == 10, let end = Int64(parts[0]) else {
            return nil
        }
        return Snapshot(end: Offset(end), name: name)
    }

    /// Writes that `voter` is the only voter, in an epoch of its own, durably.
    mutating func write(sole voter: VoterPlace, epoch: LeaderEpoch, now: Timestamp) throws {
        var builder = RecordBatchBuilder(baseOffset: log.logEndOffset, leaderEpoch: epoch, isControl: true)
        if kraftVersion < 1 {
            var level = KRaftVersionRecord()
            level.kRaftVersion = 1
            builder.append(control: .kraftVersion, timestamp: now, value: level.encoded(version: 0))
        }
        var record = VotersRecord()
        record.voters = [voter.record]
        builder.append(control: .kraftVoters, timestamp: now, value: record.encoded(version: 0))
        for outcome in try log.appendAsLeader([builder.finish()], epoch: epoch, now: now) {
            guard case .appended = outcome else { throw ToolFailure("the metadata log took no record: \(outcome)") }
        }
        try log.flush()
    }
}
