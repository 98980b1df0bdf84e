import Primitives
import Quorum
import World

/// The vote file `quorum-state`, as Kafka writes it, and beside it what Kafka's has no place for.
///
/// The vote is made durable before the standing: a crash between the two leaves a voter that is trusted less than it
/// could be, never more.
struct QuorumStateFile {
    static let name = "quorum-state"
    static let standingName = "voter-standing"

    private let directory: String
    private let files: any FileStore
    private var written: ElectionState?

    init(directory: String, files: any FileStore) {
        self.directory = directory
        self.files = files
    }

    private var path: String { directory + "/" + QuorumStateFile.name }
    private var standingPath: String { directory + "/" + QuorumStateFile.standingName }

    /// What the files say. A voter with a log but without a vote file forgot its votes, and has to catch up.
    ///
    /// - Parameter isFounder: the directory names the voters it was formatted with; where a log is lost so are they.
    /// - Throws: `MetadataLogFailure` when a file is there and can't be read: guessing would be a second vote.
    mutating func read(logIsBlank: Bool, isFounder: Bool, lastEpoch: LeaderEpoch) throws -> ElectionState {
        let blank: VoterStanding = isFounder ? .founding : .unproven
        var state = ElectionState(standing: logIsBlank ? blank : .proven)
        if files.exists(path) {
            let text = String(decoding: try files.readAll(path), as: UTF8.self)
            guard let fields = FlatJSON(text), let version = fields.integer("data_version"), (0...1).contains(version),
                let epoch = fields.integer("leaderEpoch").flatMap({ Int32(exactly: $0) }), epoch >= 0,
                let leader = Named(fields.integer("leaderId")),
                let voted = Named(fields.integer("votedId"))
            else {
                throw MetadataLogFailure(
                    "\(path) is damaged: expected JSON with data_version 0 or 1, leaderEpoch, leaderId and votedId. "
                        + "Nobody else knows this node's votes: restore the file, or empty the node's directory "
                        + "\(directory), so that it fetches all from the other controllers")
            }
            state.epoch = LeaderEpoch(epoch)
            state.leaderID = leader.id
            let directoryID = fields.text("votedDirectoryId").flatMap { UUID128($0) }
            state.votedFor = voted.id.map {
                ReplicaKey(id: $0, directoryID: directoryID == .zero ? nil : directoryID)
            }
        } else if !logIsBlank {
            state.standing = .catchingUp
        }
        if let standing = try readStanding(), standing == .catchingUp || files.exists(path) {
            switch standing {
            // Its entries were there, and are gone.
            case .proven: state.standing = logIsBlank ? .catchingUp : .proven
            case .unproven: state.standing = logIsBlank ? blank : .proven
            case .founding, .expecting, .catchingUp: state.standing = standing
            }
        }
        if lastEpoch > state.epoch {
            state.epoch = lastEpoch
            state.votedFor = nil
            state.leaderID = nil
        }
        written = state
        return state
    }

    private func readStanding() throws -> VoterStanding? {
        guard files.exists(standingPath) else { return nil }
        let text = String(decoding: try files.readAll(standingPath), as: UTF8.self)
        guard let standing = VoterStanding(rawValue: String(text.prefix { $0 != "\n" })) else {
            throw MetadataLogFailure(
                "\(standingPath) is damaged: expected one line, one of "
                    + VoterStanding.allCases.map(\.rawValue).joined(separator: ", ")
                    + "; with \(VoterStanding.catchingUp.rawValue) it votes again once it has what the others have"
            )
        }
        return standing
    }

    /// Whom the file names: a node, or nobody, which is written as -1.
    private struct Named {
        let id: BrokerID?

        /// Nil where the number is missing or neither.
        init?(_ number: Int64?) {
            guard let number = number.flatMap({ Int32(exactly: $0) }), number >= -1 else { return nil }
            id = number < 0 ? nil : BrokerID(number)
        }
    }

    /// Makes `state` durable. Static voters are `kraft.version` 0, whose file has version 0; the one for dynamic voters
    /// names the directory of who got the vote.
    mutating func write(_ state: ElectionState, history: VoterHistory) throws(FileError) {
        let before = written
        let text = history.isDynamic ? QuorumStateFile.text(state) : QuorumStateFile.text(state, history.voters)
        let isOnlyStanding =
            before.map { $0.epoch == state.epoch && $0.votedFor == state.votedFor && $0.leaderID == state.leaderID }
            ?? false
        if !isOnlyStanding { try files.replace(path, with: Array(text.utf8)) }
        if before?.standing != state.standing {
            try files.replace(standingPath, with: Array((state.standing.rawValue + "\n").utf8))
        }
        written = state
    }

    private static func text(_ state: ElectionState, _ voters: VoterSet) -> String {
        let voterList = voters.all.map { "{\"voterId\":\($0.id)}" }.joined(separator: ",")
        return "{\"clusterId\":\"\",\"leaderId\":\(state.leaderID?.value ?? -1),\"leaderEpoch\":\(state.epoch),"
            + "\"votedId\":\(state.votedFor?.id.value ?? -1),\"appliedOffset\":0,"
            + "\"currentVoters\":[\(voterList)],\"data_version\":0}"
    }

    private static func text(_ state: ElectionState) -> String {
        "{\"leaderId\":\(state.leaderID?.value ?? -1),\"leaderEpoch\":\(state.epoch),"
            + "\"votedId\":\(state.votedFor?.id.value ?? -1),"
            + "\"votedDirectoryId\":\"\(state.votedFor?.directoryID ?? .zero)\",\"data_version\":1}"
    }
}

/// Why the metadata log can't be opened or go on; ends the node.
package struct MetadataLogFailure: Error, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// The top level of a JSON object, as far as its members are numbers and plain strings; nested values are skipped.
struct FlatJSON {
    private var numbers: [String: Int64] = [:]
    private var texts: [String: String] = [:]

    /// Nil when it is no object.
    init?(_ text: String) {
        var rest = Substring(text)
        FlatJSON.skipSpace(&rest)
        guard rest.popFirst() == "{" else { return nil }
        while true {
            FlatJSON.skipSpace(&rest)
            if rest.first == "}" { return }
            if rest.first == "," {
                rest.removeFirst()
                continue
            }
            guard let key = FlatJSON.string(&rest) else { return nil }
            FlatJSON.skipSpace(&rest)
            guard rest.popFirst() == ":" else { return nil }
            FlatJSON.skipSpace(&rest)
            guard let first = rest.first else { return nil }
            if first == "\"" {
                guard let value = FlatJSON.string(&rest) else { return nil }
                texts[key] = value
            } else if first == "[" || first == "{" {
                guard FlatJSON.skipNested(&rest) else { return nil }
            } else {
                let value = rest.prefix { $0 != "," && $0 != "}" }
                rest.removeFirst(value.count)
                if let number = Int64(value.filter { !$0.isWhitespace }) { numbers[key] = number }
            }
        }
    }

    func integer(_ key: String) -> Int64? { numbers[key] }
    func text(_ key: String) -> String? { texts[key] }

    private static func skipSpace(_ rest: inout Substring) { rest = rest.drop { $0.isWhitespace } }

    /// A string without escapes: ids and names have none.
    private static func string(_ rest: inout Substring) -> String? {
        guard rest.popFirst() == "\"", let end = rest.firstIndex(of: "\"") else { return nil }
        let value = String(rest[..<end])
        rest = rest[rest.index(after: end)...]
        return value
    }

    private static func skipNested(_ rest: inout Substring) -> Bool {
        var depth = 0
        while let character = rest.popFirst() {
            if character == "[" || character == "{" { depth += 1 }
            if character == "]" || character == "}" { depth -= 1 }
            if depth == 0 { return true }
        }
        return false
    }
}
