import LiveWorld
import Primitives
import WireMessages
import WireProtocol
import World

/// How `storage format` founds or joins a quorum.
enum FoundingQuorum {
    /// The voters of the configuration; nothing is written.
    case fixed
    /// This directory names no voters: the node learns of them from the cluster.
    case joining
    /// These voters found a quorum.
    case voters([VoterPlace])

    /// What the tool calls the directory of the metadata log.
    var directoryKind: String {
        switch self {
        case .fixed: "metadata directory"
        case .joining: "dynamic metadata directory"
        case .voters: "dynamic metadata voter directory"
        }
    }

    /// The directory id that the founders' list gives this node; nil when it is to be drawn.
    func directoryID(of node: NodeStorage) -> DirectoryID? {
        guard case .voters(let voters) = self else { return nil }
        return voters.first { $0.id == node.id }?.directoryID
    }

    /// Reads `id@host:port:directory-id,…`.
    static func parse(_ text: String, listenerName: String) throws(ToolFailure) -> [VoterPlace] {
        var voters: [VoterPlace] = []
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            let complaint = ToolFailure(
                "\(ClientProperties.trimmed(item)) is no initial controller: expected id@host:port:directory-id")
            let item = ClientProperties.trimmed(item)
            guard let at = item.firstIndex(of: "@"), let id = Int32(item[..<at]), id >= 0,
                let last = item.lastIndex(of: ":"), last > at,
                let directory = DirectoryID(String(item[item.index(after: last)...])),
                directory != .zero,
                let address = VoterPlace.Endpoint.address(item[item.index(after: at)..<last])
            else { throw complaint }
            guard !voters.contains(where: { $0.id.value == id || $0.directoryID == directory }) else {
                throw ToolFailure("\(text): node ids and directory ids stand there once each")
            }
            let endpoint = VoterPlace.Endpoint(name: listenerName, host: address.host, port: address.port)
            voters.append(VoterPlace(id: BrokerID(id), directoryID: directory, endpoints: [endpoint]))
        }
        return voters
    }

    /// The snapshot of an empty log that names the founders (KIP-853); the first leader writes them to the log.
    static func snapshot(_ voters: [VoterPlace], at now: Timestamp) -> [Bytes] {
        var header = SnapshotHeaderRecord()
        header.lastContainedLogTimestamp = 0
        var level = KRaftVersionRecord()
        level.kRaftVersion = 1
        var record = VotersRecord()
        record.voters = voters.sorted { $0.id < $1.id }.map(\.record)
        let contents: [(ControlRecordType, Bytes)] = [
            (.snapshotHeader, header.encoded(version: 0)), (.kraftVersion, level.encoded(version: 0)),
            (.kraftVoters, record.encoded(version: 0)), (.snapshotFooter, SnapshotFooterRecord().encoded(version: 0)),
        ]
        return contents.enumerated().map { offset, content in
            RecordBatchBuilder.control(
                content.0, value: content.1, timestamp: now, baseOffset: Offset(Int64(offset)), leaderEpoch: .zero)
        }
    }

    /// Writes that snapshot into the directory of the metadata log.
    static func write(_ voters: [VoterPlace], to directory: String, at now: Timestamp) throws(FileError) {
        let files = PosixFileStore()
        try files.createDirectory(directory)
        let name = String(repeating: "0", count: 20) + "-" + String(repeating: "0", count: 10) + ".checkpoint"
        try files.replace(directory + "/" + name, with: snapshot(voters, at: now).flatMap(\.array))
    }
}
