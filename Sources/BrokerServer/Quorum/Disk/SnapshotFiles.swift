package import Primitives
package import Quorum
import WireMessages
import WireProtocol
package import World

/// The metadata snapshots in the log's directory: `<end offset>-<epoch>.checkpoint`, whole and read-only once they have
/// that name (KIP-630). What is being written or fetched is called `.checkpoint.part`.
package struct SnapshotFiles {
    /// Records in one batch of a snapshot, at most.
    static let recordsPerBatchMax = 1_000
    /// Bytes of one batch of a snapshot, beyond which the next begins.
    static let batchBytes = 1 << 20

    private let directory: String
    private let files: any FileStore
    /// The whole snapshots, oldest first.
    private(set) var all: [SnapshotID] = []
    private var download: (id: SnapshotID, file: any File)?

    init(directory: String, files: any FileStore) {
        self.directory = directory
        self.files = files
    }

    package var latest: SnapshotID? { all.last }

    func path(_ id: SnapshotID) -> String { directory + "/" + SnapshotFiles.name(id) }

    static func name(_ id: SnapshotID) -> String {
        padded(id.endOffset.value, 20) + "-" + padded(Int64(id.epoch.value), 10) + ".checkpoint"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }

    /// The id in a file name; nil for other files, and for the snapshot at offset 0 that formatting writes.
    static func parse(_ name: String) -> SnapshotID? {
        let suffix = ".checkpoint"
        guard name.hasSuffix(suffix) else { return nil }
        let parts = name.dropLast(suffix.count).split(separator: "-")
        guard parts.count == 2, parts[0].count == 20, parts[1].count == 10, let end = Int64(parts[0]),
            let epoch = Int32(parts[1]), end > 0, epoch >= 0
        else { return nil }
        return SnapshotID(endOffset: Offset(end), epoch: LeaderEpoch(epoch))
    }

    /// Finds what is there and removes what was left unfinished.
    mutating func open() throws(FileError) {
        all = []
        for entry in try files.list(directory) where !entry.isDirectory {
            if SnapshotFiles.isLeftover(entry.name) {
                try files.remove(directory + "/" + entry.name)
            } else if let id = SnapshotFiles.parse(entry.name) {
                all.append(id)
            }
        }
        all.sort()
    }

    private static func isLeftover(_ name: String) -> Bool {
        [".part", ".deleted"].contains { name.hasSuffix($0) && parse(String(name.dropLast($0.count))) != nil }
    }

    // MARK: Writing

    /// Writes a snapshot of `records`, and of who votes at its end, and makes it durable.
    mutating func write(
        _ id: SnapshotID, records: [Bytes], voters: SnapshotVoters, lastContainedLogTimestamp: Timestamp, now: Timestamp
    ) throws(FileError) {
        let part = path(id) + ".part"
        let file = try files.open(part, .replace)
        defer { file.close() }
        var position: Int64 = 0
        var offset: Int64 = 0
        for batch in SnapshotFiles.batches(id, records, voters, lastContainedLogTimestamp, now, offset: &offset) {
            try file.write([batch], at: position)
            position += Int64(batch.count)
        }
        try file.synchronize()
        try finish(id)
    }

    private static func batches(
        _ id: SnapshotID, _ records: [Bytes], _ voters: SnapshotVoters, _ lastContained: Timestamp, _ now: Timestamp,
        offset: inout Int64
    ) -> [Bytes] {
        var made: [Bytes] = []
        func control(_ type: ControlRecordType, _ value: Bytes) {
            made.append(
                RecordBatchBuilder.control(
                    type, value: value, timestamp: now, baseOffset: Offset(offset), leaderEpoch: id.epoch))
            offset += 1
        }
        var header = SnapshotHeaderRecord()
        header.lastContainedLogTimestamp = lastContained.value
        control(.snapshotHeader, header.encoded(version: 0))
        if voters.kraftVersion > 0 {
            var level = KRaftVersionRecord()
            level.kRaftVersion = voters.kraftVersion
            control(.kraftVersion, level.encoded(version: 0))
        }
        if let set = voters.voters { control(.kraftVoters, VotersRecord(set).encoded(version: 0)) }
        var builder: RecordBatchBuilder?
        func close() {
            guard let finished = builder else { return }
            made.append(finished.finish())
            offset += Int64(finished.count)
            builder = nil
        }
        for record in records {
            if let open = builder, Int(open.count) >= recordsPerBatchMax || open.sizeInBytes >= batchBytes { close() }
            if builder == nil { builder = RecordBatchBuilder(baseOffset: Offset(offset), leaderEpoch: id.epoch) }
            builder?.append(timestamp: lastContained, key: nil, value: record)
        }
        close()
        control(.snapshotFooter, SnapshotFooterRecord().encoded(version: 0))
        return made
    }

    private mutating func finish(_ id: SnapshotID) throws(FileError) {
        try files.rename(path(id) + ".part", to: path(id))
        try files.synchronizeDirectory(directory)
        if !all.contains(id) { all = (all + [id]).sorted() }
    }

    /// Formats the directory `parent` for the founders of a quorum: the snapshot of an empty log that names them
    /// (KIP-853); blocks.
    package static func found(
        _ voters: VoterSet, in parent: String, _ files: any FileStore, now: Timestamp
    ) throws(FileError) {
        let directory = parent + "/" + MetadataStore.directoryName
        try files.createDirectory(directory)
        var snapshots = SnapshotFiles(directory: directory, files: files)
        try snapshots.write(
            SnapshotID(endOffset: .zero, epoch: .zero), records: [],
            voters: SnapshotVoters(voters: voters, kraftVersion: 1), lastContainedLogTimestamp: Timestamp(0), now: now)
        try files.synchronizeDirectory(parent)
    }

    // MARK: Fetching

    /// Keeps a piece that came from the leader.
    mutating func keep(_ piece: SnapshotPiece) throws(FileError) {
        if piece.position == 0 || download?.id != piece.snapshot {
            download?.file.close()
            download = (piece.snapshot, try files.open(path(piece.snapshot) + ".part", .replace))
        }
        if piece.bytes.count > 0 { try download?.file.write([piece.bytes], at: piece.position) }
    }

    /// All pieces are there: makes the snapshot durable under its name. Older ones go.
    mutating func completeDownload(_ id: SnapshotID) throws {
        guard let download, download.id == id else { return }
        try download.file.synchronize()
        download.file.close()
        self.download = nil
        // One that is damaged must not get the name of a whole one: it would be found at every start.
        _ = try read(id, at: path(id) + ".part")
        try finish(id)
        try removeAll(before: id)
    }

    mutating func removeAll(before id: SnapshotID) throws(FileError) {
        for old in all where old < id { try files.remove(path(old)) }
        all.removeAll { $0 < id }
    }

    // MARK: Reading

    /// A piece of a snapshot to send; nil when the snapshot is not there.
    func piece(_ id: SnapshotID, from position: Int64, maxBytes: Int) throws(FileError) -> SnapshotPiece? {
        guard all.contains(id) else { return nil }
        let file = try files.open(path(id), .read)
        defer { file.close() }
        let size = try file.size()
        guard position >= 0, position <= size else {
            return SnapshotPiece(snapshot: id, sizeBytes: size, position: position, bytes: .empty)
        }
        let count = Int(min(size - position, Int64(maxBytes)))
        let buffer = Bytes(MemoryRegion(count: count), start: 0, count: count)
        var done = 0
        while done < count {
            let got = try file.read(into: buffer[done..<count], at: position + Int64(done))
            if got == 0 { break }
            done += got
        }
        return SnapshotPiece(snapshot: id, sizeBytes: size, position: position, bytes: buffer[0..<done])
    }

    /// The voters that the directory was formatted with, in the snapshot of an empty log; nil where it has none.
    func founding() throws -> VoterSet? {
        let id = SnapshotID(endOffset: .zero, epoch: .zero)
        return files.exists(path(id)) ? try load(id).voters.voters : nil
    }

    /// Reads a whole snapshot and checks that it is one: header first, footer last, every checksum right.
    package func load(_ id: SnapshotID) throws -> LoadedSnapshot { try read(id, at: path(id)) }

    /// - Throws: `MetadataLogFailure` that names the file, the place and what to do.
    private func read(_ id: SnapshotID, at path: String) throws -> LoadedSnapshot {
        var end = Offset.zero
        do { return try read(id, at: path, &end) } catch let error as FileError { throw error } catch {
            throw MetadataLogFailure(
                "the snapshot \(path) is damaged behind its record \(end): \(error). Restore the file, or, where other "
                    + "controllers have it, move \(directory) away: this node then fetches all from the leader")
        }
    }

    private func read(_ id: SnapshotID, at path: String, _ end: inout Offset) throws -> LoadedSnapshot {
        var batches = RecordBatches(Bytes(try files.readAll(path)))
        var records: [Bytes] = []
        var lastContained: Timestamp?
        var level: Int16 = 0
        var voters: VoterSet?
        var isClosed = false
        while let batch = try batches.next() {
            try batch.verifyChecksum()
            guard !isClosed else { throw MetadataLogFailure("it goes on after its footer") }
            var iterator = try RecordIterator(batch)
            while let record = try iterator.next() {
                guard batch.header.attributes.isControl else {
                    if let value = record.value { records.append(value) }
                    continue
                }
                guard let key = record.key, let value = record.value else { continue }
                switch try ControlRecordType(key: key) {
                case .snapshotHeader:
                    let header = try SnapshotHeaderRecord.decode(value, version: 0)
                    lastContained = Timestamp(header.lastContainedLogTimestamp)
                case .snapshotFooter: isClosed = true
                case .kraftVersion: level = try KRaftVersionRecord.decode(value, version: 0).kRaftVersion
                case .kraftVoters: voters = try VotersRecord.decode(value, version: 0).set()
                case .abort, .commit, .leaderChange, nil: break
                }
            }
            end = batch.header.nextOffset
        }
        guard let lastContained, isClosed else { throw MetadataLogFailure("its header or its footer is missing") }
        return LoadedSnapshot(
            endOffset: id.endOffset, epoch: id.epoch, lastContainedLogTimestamp: lastContained, records: records,
            voters: SnapshotVoters(voters: voters, kraftVersion: level))
    }
}
