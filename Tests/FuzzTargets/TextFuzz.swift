import BrokerServer
import LogStorage
import Primitives
import World

/// Small texts: checkpoints, properties, names.
enum TextFuzz {
    private static let folder = "/data"

    /// The files of a log directory, each behind its length, in this order.
    static let names = [
        MetaProperties.fileName, PartitionMetadataFile.fileName, QuorumStateFile.fileName, CleanShutdownFile.fileName,
        OffsetCheckpoint.Kind.recoveryPoint.rawValue,
    ]

    static func directoryFiles(_ payload: Bytes) {
        let disk = MemoryDisk()
        for (name, piece) in zip(names, Pieces(payload)) {
            if let piece { disk.put("\(folder)/\(name)", piece.array) }
        }
        if let found = try? MetaProperties.read(in: folder, disk), !found.clusterID.contains(where: \.isNewline) {
            disk.put("\(folder)/\(MetaProperties.fileName)", found.encoded)
            _ = try? MetaProperties.read(in: folder, disk)
        }
        _ = try? PartitionMetadataFile.read(in: folder, disk)
        if let state = try? QuorumStateFile.read(in: folder, disk) {
            _ = try? state.write(in: folder, disk)
            guard let again = try? QuorumStateFile.read(in: folder, disk) else {
                preconditionFailure("a vote file does not read what it wrote")
            }
            precondition(again.votedID == state.votedID && again.leaderEpoch == state.leaderEpoch)
        }
        _ = try? CleanShutdownFile.take(in: folder, disk)
        checkpoints(disk)
    }

    private static func checkpoints(_ disk: MemoryDisk) {
        guard let content = try? disk.readAll("\(folder)/\(names[4])") else { return }
        if let checkpoint = OffsetCheckpoint(encoded: content) {
            precondition(OffsetCheckpoint(encoded: checkpoint.encoded) == checkpoint, "a checkpoint is not stable")
        }
        if let epochs = LeaderEpochs(encoded: content) {
            precondition(LeaderEpochs(encoded: epochs.encoded)?.entries == epochs.entries, "epochs are not stable")
        }
    }

    /// A whole `server.properties`.
    static func properties(_ payload: Bytes) {
        let file = PropertiesFile(parsing: String(decoding: payload.array, as: UTF8.self))
        do throws(ConfigurationError) {
            _ = try NodeConfiguration(try Settings(file))
        } catch { _ = error.description }
    }

    /// Requests as pieces of a stream: where it is cut makes no difference.
    static func adminRequests(_ payload: Bytes) {
        let pieces = Pieces(payload).compactMap { $0 }
        let cut = HTTPRequestReader.requests(in: pieces)
        let whole = HTTPRequestReader.requests(in: [Bytes(pieces.flatMap(\.array))])
        precondition(cut == whole, "\(cut) requests in pieces, \(whole) in one")
    }

    /// One name, as a directory may hold it.
    static func names(_ payload: Bytes) {
        let name = String(decoding: payload.array, as: UTF8.self)
        if let found = PartitionDirectoryName(name) {
            precondition(found.description == name, "\(name) stands for another directory")
            let aside = found.asided(.stray, id: UUID128(high: 1, low: 2)).description
            precondition(aside.utf8.count <= 255, "\(name) has no room to be set aside")
            precondition(PartitionDirectoryName(aside)?.kind == .stray, "\(aside) is not known again")
        }
        if let found = SnapshotFileName(name) { precondition(found.description == name) }
        for kind in SegmentFileName.Kind.allCases {
            if let offset = SegmentFileName.parse(name, kind) {
                precondition(SegmentFileName.name(offset, kind) == name)
            }
        }
    }
}
