import LiveWorld
import LogStorage
import Primitives
import WireMessages
import World

/// `storage recover-quorum`: makes one surviving controller the only voter, when a majority is lost for good.
///
/// What the lost majority had committed and this controller had not fetched is gone; so it prints a receipt, and does
/// nothing without `--execute`. The node must not run: the directory is locked meanwhile.
struct QuorumRecovery {
    private static let standingFile = "voter-standing"

    let node: NodeStorage

    func run(executes: Bool) throws {
        guard node.isController, let first = node.controllerEndpoints.first else {
            throw ToolFailure("You can only use recover-quorum on a controller with a controller listener.")
        }
        let files = PosixFileStore()
        do {
            guard let properties = try MetaProperties.read(in: node.metadataDirectory, files),
                let directoryID = properties.directoryID, files.exists(node.metadataLog)
            else {
                throw ToolFailure("\(node.metadataDirectory) has no metadata log: this controller has nothing to keep.")
            }
            let lock = try lock(files)
            defer { lock.release() }
            let now = SystemClock().timeOfDay
            let place = VoterPlace(id: node.id, directoryID: directoryID, endpoints: node.controllerEndpoints)
            var log = try OfflineMetadataLog(directory: node.metadataLog, files: files, now: now)
            let state = try QuorumStateFile.read(in: node.metadataLog, files)
            try check(log, files)
            let epoch = max(log.lastEpoch, state?.leaderEpoch ?? .zero).next
            let receipt = Receipt(
                clusterID: properties.clusterID, node: node, voter: "\(node.id)/\(directoryID) at \(first.text)",
                former: log.voters.map { $0.map { "\($0.voterID)/\($0.voterDirectoryID)" } }
                    ?? state.map { $0.currentVoters.map { "\($0)" } } ?? [],
                endOffset: log.log.logEndOffset, lastEpoch: log.lastEpoch, lastTimestamp: log.lastTimestamp)
            for line in receipt.lines { print(line) }
            guard executes else {
                return print("Nothing was changed. Run it again with --execute to do it.")
            }
            try log.write(sole: place, epoch: epoch, now: now)
            // The voters are in the log before the vote is forgotten: a crash between leaves a log that says so.
            try QuorumStateFile(leaderID: nil, leaderEpoch: epoch, votedID: nil, dataVersion: 1)
                .write(in: node.metadataLog, files)
            try log.close()
            print("Done. Start this controller; it leads the quorum alone.")
        } catch let error as FileError { throw ToolFailure("\(error)") } catch let error as DirectoryFileError {
            throw ToolFailure("\(error)")
        } catch let error as StorageError { throw ToolFailure("\(error)") }
    }

    private func lock(_ files: PosixFileStore) throws(ToolFailure) -> any DirectoryLock {
        do { return try files.lock(node.metadataDirectory) } catch {
            guard error.kind == .lockedByAnother else { throw ToolFailure("\(error)") }
            throw ToolFailure(
                "\(node.metadataDirectory) is in use: stop the node first. Nothing was changed.")
        }
    }

    /// A controller that had lost its own log is no survivor; any other standing is proven by the log's entries.
    private func check(_ log: OfflineMetadataLog, _ files: PosixFileStore) throws {
        guard log.log.logEndOffset > .zero else {
            throw ToolFailure("\(node.metadataLog) is empty: this controller has nothing to keep.")
        }
        let path = node.metadataLog + "/" + Self.standingFile
        guard files.exists(path) else { return }
        let standing = String(decoding: try files.readAll(path), as: UTF8.self).prefix { $0 != "\n" }
        guard standing != "catchingUp" else {
            throw ToolFailure(
                "This controller had lost its log and had not caught up again; take another one that survived."
            )
        }
    }
}

/// What is known, and what may be lost.
private struct Receipt {
    let clusterID: String
    let node: NodeStorage
    let voter: String
    let former: [String]
    let endOffset: Offset
    let lastEpoch: LeaderEpoch
    let lastTimestamp: Timestamp?

    var lines: [String] {
        let written = lastTimestamp.map { " (\($0.value) ms since 1970)" } ?? ""
        return [
            "Recovery of the metadata quorum from controller \(node.id)", "",
            "cluster              \(clusterID)",
            "metadata log         \(node.metadataLog)",
            "it ends at           offset \(endOffset), epoch \(lastEpoch)\(written)",
            "voters until now     \(former.isEmpty ? "unknown" : former.joined(separator: ", "))",
            "voter from then on   \(voter)", "",
            "What may be lost: every change of topics, partitions, in-sync replicas, configurations and broker",
            "registrations that the other voters had committed from offset \(endOffset) on. What this controller had",
            "written but no majority had confirmed becomes valid. Records of topics are not touched; a replica that",
            "joined the in-sync replicas after that offset may be taken for one that lags.", "",
            "Never start the other voters again with their old directories: two of them are a majority of the old",
            "quorum. Empty their metadata directories, format them with --no-initial-controllers, start them, and make",
            "them voters with `metadata-quorum add-controller`.", "",
        ]
    }
}
