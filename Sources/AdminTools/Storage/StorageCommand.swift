package import ArgumentParser
import LiveWorld
import LogStorage
import Primitives
import World

/// `martlet storage`, `kafka-storage`: formats log directories, shows whose they are, makes ids.
package struct StorageCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "storage", abstract: "Format log directories, show whose they are, or make an id.",
        usage: "storage (format -t CLUSTER_ID -c FILE [-g] | info -c FILE | random-uuid)")

    @Argument(help: "format, info or random-uuid") package var action: String?
    @Option(name: [.customShort("c"), .customLong("config")], help: "The node's server.properties.")
    package var config: String?
    @Option(name: [.customShort("t"), .customLong("cluster-id")], help: "The id of the cluster.")
    package var clusterID: String?
    @Flag(name: [.customShort("g"), .customLong("ignore-formatted")], help: "Leave formatted directories as they are.")
    package var ignoresFormatted = false
    @Option(name: [.customShort("r"), .customLong("release-version")], help: "The release to start with: 4.3-IV0.")
    package var release: String?
    @Option(name: [.customShort("f"), .customLong("feature")], help: "A feature level; set by the first controller.")
    package var features: [String] = []
    @Flag(name: [.customShort("s"), .customLong("standalone")], help: "Found a dynamic quorum; not built yet.")
    package var standalone = false
    @Flag(
        name: [.customShort("N"), .customLong("no-initial-controllers")], help: "Join a dynamic quorum; not built yet.")
    package var noInitialControllers = false
    @Option(
        name: [.customShort("I"), .customLong("initial-controllers")], help: "Found a dynamic quorum; not built yet.")
    package var initialControllers: String?

    package init() {}

    /// The one release whose metadata records are written.
    private static let releaseName = "4.3-IV0"

    package func run() throws {
        switch action {
        case nil: throw ToolFailure.usage("too few arguments")
        case "random-uuid":
            var randomness = SystemGenerator()
            print(UUID128.random(using: &randomness))
        case "format": try format()
        case "info": try info()
        case let other?:
            throw ToolFailure.usage(
                "kafka-storage: error: argument command: invalid choice: '\(other)' (choose from 'info', 'format', "
                    + "'random-uuid')")
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
        guard !standalone, !noInitialControllers, initialControllers == nil else {
            throw ToolFailure("Dynamic quorums are not built yet: set controller.quorum.voters in the configuration.")
        }
        if let release, release != Self.releaseName {
            throw ToolFailure("Unknown release \(release). Supported releases are: \(Self.releaseName)")
        }
        if node.isController, !node.hasVoters {
            throw ToolFailure(
                "Because controller.quorum.voters is not set on this controller, you must specify one of the "
                    + "following: "
                    + "--standalone, --initial-controllers, or --no-initial-controllers.")
        }
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
                var randomness = SystemGenerator()
                let properties = MetaProperties(
                    clusterID: clusterID, nodeID: node.id, directoryID: UUID128.random(using: &randomness))
                try files.createDirectory(directory)
                try properties.write(in: directory, files)
                let kind = directory == node.metadataDirectory ? "metadata directory" : "data directory"
                print("Formatting \(kind) \(directory) with metadata.version \(Self.releaseName).")
            }
        } catch let error as FileError { throw ToolFailure("\(error)") } catch let error as DirectoryFileError {
            throw ToolFailure("\(error)")
        }
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
