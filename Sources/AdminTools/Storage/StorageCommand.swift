package import ArgumentParser
import LiveWorld
import LogStorage
import Primitives
import World

/// `martlet storage`, `kafka-storage`: formats log directories, shows whose they are, makes ids.
package struct StorageCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "storage", abstract: "Format log directories, show whose they are, or make an id.",
        usage: "storage (format -t CLUSTER_ID -c FILE [-g] [--standalone | --initial-controllers LIST | "
            + "--no-initial-controllers] | info -c FILE | random-uuid | recover-quorum -c FILE [--execute])")

    @Argument(help: "format, info, random-uuid or recover-quorum") package var action: String?
    @Option(name: [.customShort("c"), .customLong("config")], help: "The node's server.properties.")
    package var config: String?
    @Option(name: [.customShort("t"), .customLong("cluster-id")], help: "The id of the cluster.")
    package var clusterID: String?
    @Flag(name: [.customShort("g"), .customLong("ignore-formatted")], help: "Leave formatted directories as they are.")
    package var ignoresFormatted = false
    @Option(name: [.customShort("r"), .customLong("release-version")], help: "The release to start with: 4.2-IV1.")
    package var release: String?
    @Option(name: [.customShort("f"), .customLong("feature")], help: "A feature level; set by the first controller.")
    package var features: [String] = []
    @Flag(
        name: [.customShort("s"), .customLong("standalone")], help: "Found a dynamic quorum of this controller alone.")
    package var standalone = false
    @Flag(
        name: [.customShort("N"), .customLong("no-initial-controllers")],
        help: "Name no voters: the node hears of them from its cluster.")
    package var noInitialControllers = false
    @Option(
        name: [.customShort("I"), .customLong("initial-controllers")],
        help: "Found a dynamic quorum of these: id@host:port:directory-id,…")
    package var initialControllers: String?
    @Flag(
        name: .customLong("execute"), help: "With recover-quorum: do it, not only say what it would do. (Not in Kafka.)"
    )
    package var executes = false

    package init() {}

    /// The one release that a cluster is founded at; `features` changes it.
    private static let releaseName = "4.2-IV1"
    /// What Kafka's own tool founds at, so that scripts name it.
    private static let kafkasReleaseName = "4.3-IV0"

    package func run() throws {
        switch action {
        case nil: throw ToolFailure.usage("too few arguments")
        case "random-uuid":
            var randomness = SystemGenerator()
            print(UUID128.random(using: &randomness))
        case "format": try format()
        case "info": try info()
        case "recover-quorum": try QuorumRecovery(node: try node()).run(executes: executes)
        case let other?:
            throw ToolFailure.usage(
                "kafka-storage: error: argument command: invalid choice: '\(other)' (choose from 'info', 'format', "
                    + "'random-uuid', 'recover-quorum')")
        }
    }

    private func node() throws(ToolFailure) -> NodeStorage {
        guard let config else { throw .usage("kafka-storage: error: argument --config/-c is required") }
        return try NodeStorage(ClientProperties(file: config), file: config)
    }

    private func format() throws {
        let node = try node()
        guard let clusterID else {
            throw ToolFailure.usage("kafka-storage: error: argument --cluster-id/-t is required")
        }
        if release == Self.kafkasReleaseName {
            Console.complain(
                "The cluster is founded at \(Self.releaseName): of \(Self.kafkasReleaseName) cordoned log directories "
                    + "are missing.")
        } else if let release, release != Self.releaseName {
            throw ToolFailure("Unknown release \(release). Supported releases are: \(Self.releaseName)")
        }
        let quorum = try quorum(of: node)
        let files = PosixFileStore()
        var left: [String] = []
        do {
            for directory in node.directories {
                if try MetaProperties.read(in: directory, files) == nil {
                    left.append(directory)
                } else if !ignoresFormatted {
                    throw ToolFailure(
                        "Log directory \(directory) is already formatted. Use --ignore-formatted to ignore this "
                            + "directory and format the others.")
                }
            }
            if left.isEmpty { print("All of the log directories are already formatted.") }
            for directory in left {
                let kind = directory == node.metadataDirectory ? quorum.directoryKind : "data directory"
                try format(directory, clusterID, node, quorum)
                print("Formatting \(kind) \(directory) with metadata.version \(Self.releaseName).")
            }
        } catch let error as FileError { throw ToolFailure("\(error)") } catch let error as DirectoryFileError {
            throw ToolFailure("\(error)")
        }
    }

    /// What is to be said of voters in the directory.
    private func quorum(of node: NodeStorage) throws(ToolFailure) -> FoundingQuorum {
        guard [standalone, noInitialControllers, initialControllers != nil].count(where: { $0 }) <= 1 else {
            throw .usage(
                "kafka-storage: error: only one of --standalone, --initial-controllers and --no-initial-controllers "
                    + "can be given")
        }
        if node.hasVoters, standalone || initialControllers != nil {
            throw ToolFailure(
                "controller.quorum.voters names static voters: remove it to format with --standalone or "
                    + "--initial-controllers, or format without them.")
        }
        if let initialControllers {
            let name = node.controllerEndpoints.first?.name ?? "CONTROLLER"
            let voters = try FoundingQuorum.parse(initialControllers, listenerName: name)
            guard node.isController else {
                throw ToolFailure("You can only use --initial-controllers on a controller.")
            }
            guard voters.contains(where: { $0.id == node.id }) else {
                throw ToolFailure(
                    "Node \(node.id) is not one of the initial controllers; format it with --no-initial-controllers.")
            }
            return .voters(voters)
        }
        if standalone {
            guard node.isController else { throw ToolFailure("You can only use --standalone on a controller.") }
            guard !node.controllerEndpoints.isEmpty else {
                throw ToolFailure("listeners has none of controller.listener.names: nobody could reach this voter.")
            }
            var randomness = SystemGenerator()
            let id = UUID128.random(using: &randomness)
            return .voters([VoterPlace(id: node.id, directoryID: id, endpoints: node.controllerEndpoints)])
        }
        if noInitialControllers || node.hasBootstrapServers && !node.isController && !node.hasVoters { return .joining }
        if node.isController, !node.hasVoters {
            throw ToolFailure(
                "Because controller.quorum.voters is not set on this controller, you must specify one of the "
                    + "following: "
                    + "--standalone, --initial-controllers, or --no-initial-controllers.")
        }
        return .fixed
    }

    /// Formats one directory; what makes it count as formatted is written last.
    private func format(
        _ directory: String, _ clusterID: String, _ node: NodeStorage, _ quorum: FoundingQuorum
    ) throws {
        let files = PosixFileStore()
        var randomness = SystemGenerator()
        var id = UUID128.random(using: &randomness)
        try files.createDirectory(directory)
        if directory == node.metadataDirectory {
            id = quorum.directoryID(of: node) ?? id
            if case .voters(let voters) = quorum {
                try FoundingQuorum.write(voters, to: node.metadataLog, at: SystemClock().timeOfDay)
            }
        }
        try MetaProperties(clusterID: clusterID, nodeID: node.id, directoryID: id).write(in: directory, files)
    }

    private func info() throws {
        let node = try node()
        guard !node.directories.isEmpty else { throw ToolFailure("No directories specified.", on: .output) }
        var found: [String] = []
        var problems: [String] = []
        var metadata: [String] = []
        let files = PosixFileStore()
        for directory in node.directories {
            do {
                guard let properties = try MetaProperties.read(in: directory, files) else {
                    problems.append("\(directory) is not formatted.")
                    continue
                }
                found.append(directory)
                let id = properties.directoryID.map { "directory.id=\($0), " } ?? ""
                metadata.append(
                    "{cluster.id=\(properties.clusterID), \(id)node.id=\(properties.nodeID), version=1}")
            } catch { problems.append("\(error)") }
        }
        for line in StorageReport.lines(found: found, metadata: metadata, problems: problems) { print(line) }
        if !problems.isEmpty { throw ExitCode(1) }
    }
}

/// The system's randomness as a generator.
private struct SystemGenerator: RandomNumberGenerator {
    private let source = SystemRandomness()
    mutating func next() -> UInt64 { source.next() }
}
