package import Primitives
package import World

/// `quorum-state`: epoch, leader and vote of a node of the metadata quorum; durable before an answer leaves (rule 20).
package struct QuorumStateFile: Hashable, Sendable {
    package static let fileName = "quorum-state"

    package var leaderID: BrokerID?
    package var leaderEpoch: LeaderEpoch
    package var votedID: BrokerID?
    /// Only in version 1.
    package var votedDirectoryID: DirectoryID?
    /// Only in version 0, which kraft.version 0 (static voters) uses.
    package var currentVoters: [BrokerID]
    /// 0 or 1.
    package var dataVersion: Int

    package init(
        leaderID: BrokerID?, leaderEpoch: LeaderEpoch, votedID: BrokerID?, votedDirectoryID: DirectoryID? = nil,
        currentVoters: [BrokerID] = [], dataVersion: Int
    ) {
        self.leaderID = leaderID
        self.leaderEpoch = leaderEpoch
        self.votedID = votedID
        self.votedDirectoryID = votedDirectoryID
        self.currentVoters = currentVoters
        self.dataVersion = dataVersion
    }

    /// The file in the metadata log's directory; nil when there is none: this node never voted.
    package static func read(
        in directory: String, _ files: any FileStore
    ) throws(DirectoryFileError) -> QuorumStateFile? {
        let path = directory + "/" + fileName
        guard files.exists(path) else { return nil }
        let content: [UInt8]
        do throws(FileError) { content = try files.readAll(path) } catch { throw .file(error) }
        guard let state = QuorumStateFile(content) else {
            // A vote that can't be read may not be forgotten: the node must not stand or vote.
            throw .malformed(path: path, reason: "expected JSON with data_version 0 or 1, leaderEpoch and votedId")
        }
        return state
    }

    /// Replaces the file durably; blocks.
    package func write(in directory: String, _ files: any FileStore) throws(FileError) {
        try files.replace(directory + "/" + QuorumStateFile.fileName, with: Array(json.text.utf8))
    }

    private init?(_ content: [UInt8]) {
        guard let json = FlatJSON(content), let version = json["data_version"]?.integer, (0...1).contains(version),
            let leaderID = json["leaderId"]?.integer.flatMap({ Int32(exactly: $0) }),
            let epoch = json["leaderEpoch"]?.integer.flatMap({ Int32(exactly: $0) }), epoch >= 0,
            let votedID = json["votedId"]?.integer.flatMap({ Int32(exactly: $0) })
        else { return nil }
        let directory = json["votedDirectoryId"]?.string.flatMap { DirectoryID($0) }
        let voters = (json["currentVoters"]?.array ?? []).compactMap { $0["voterId"]?.integer }
        self.init(
            leaderID: leaderID >= 0 ? BrokerID(leaderID) : nil, leaderEpoch: LeaderEpoch(epoch),
            votedID: votedID >= 0 ? BrokerID(votedID) : nil,
            votedDirectoryID: directory == .zero ? nil : directory,
            currentVoters: voters.compactMap { Int32(exactly: $0).map { BrokerID($0) } }, dataVersion: Int(version))
    }

    private var json: FlatJSON {
        let leader = FlatJSON.integer(Int64(leaderID?.value ?? -1))
        let epoch = FlatJSON.integer(Int64(leaderEpoch.value))
        let voted = FlatJSON.integer(Int64(votedID?.value ?? -1))
        if dataVersion == 0 {
            let voters = currentVoters.map {
                FlatJSON.object([.init(name: "voterId", value: .integer(Int64($0.value)))])
            }
            return .object([
                .init(name: "clusterId", value: .string("")), .init(name: "leaderId", value: leader),
                .init(name: "leaderEpoch", value: epoch), .init(name: "votedId", value: voted),
                .init(name: "appliedOffset", value: .integer(0)), .init(name: "currentVoters", value: .array(voters)),
                .init(name: "data_version", value: .integer(0)),
            ])
        }
        return .object([
            .init(name: "leaderId", value: leader), .init(name: "leaderEpoch", value: epoch),
            .init(name: "votedId", value: voted),
            .init(name: "votedDirectoryId", value: .string("\(votedDirectoryID ?? .zero)")),
            .init(name: "data_version", value: .integer(1)),
        ])
    }
}
