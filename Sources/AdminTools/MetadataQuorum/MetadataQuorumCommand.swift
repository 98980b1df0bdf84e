package import ArgumentParser
import LiveWorld
import LogStorage
import MartletClient
import Primitives
import WireMessages
import World

/// `martlet metadata-quorum`, `kafka-metadata-quorum`: shows the quorum of controllers, and changes its voters.
package struct MetadataQuorumCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "metadata-quorum", abstract: "Describe the quorum of controllers, or change its voters.",
        usage:
            "metadata-quorum (--bootstrap-server HOST:PORT | --bootstrap-controller HOST:PORT) (describe (--status | "
            + "--replication [--human-readable]) | add-controller [--dry-run] | remove-controller -i ID "
            + "-d DIRECTORY_ID [--dry-run])")

    @OptionGroup package var connection: ConnectionOptions
    @Option(name: .customLong("bootstrap-controller"), help: "The controllers to connect to instead of brokers.")
    package var bootstrapController: String?
    @Argument(help: "describe, add-controller or remove-controller") package var action: String?
    @Flag(name: .customLong("status"), help: "Show the leader, its epoch and the members.") package var status = false
    @Flag(name: .customLong("replication"), help: "Show how far each member is.") package var replication = false
    @Flag(name: .customLong("human-readable"), help: "Show times as ages.") package var ages = false

    @Flag(name: .customLong("json"), help: "Print one JSON document instead of text. (Not in Kafka.)")
    package var isJSON = false

    @Option(name: [.customShort("i"), .customLong("controller-id")], help: "The id of the controller to remove.")
    package var controllerID: String?
    @Option(
        name: [.customShort("d"), .customLong("controller-directory-id")],
        help: "The directory id of the controller to remove.")
    package var controllerDirectoryID: String?
    @Flag(name: .customLong("dry-run"), help: "Only say what would be done.") package var isDryRun = false

    package init() {}

    package func run() async throws {
        guard let action else { throw ToolFailure.usage("too few arguments") }
        guard ["describe", "add-controller", "remove-controller"].contains(action) else {
            throw ToolFailure.usage(
                "metadata-quorum: error: argument command: invalid choice: '\(action)' (choose from 'describe', "
                    + "'add-controller', 'remove-controller')")
        }
        if bootstrapController != nil, connection.bootstrapServer != nil {
            throw ToolFailure.usage(
                "metadata-quorum: error: argument --bootstrap-controller: not allowed with argument --bootstrap-server")
        }
        switch action {
        case "add-controller": try await addController()
        case "remove-controller": try await removeController()
        default: try await describe()
        }
    }

    /// Makes the controller whose configuration `--command-config` is a voter.
    private func addController() async throws {
        guard let file = connection.commandConfig else {
            throw ToolFailure(
                "You must supply the configuration file of the controller you are adding when using "
                    + "add-controller.")
        }
        let node = try NodeStorage(ClientProperties(file: file), file: file)
        guard node.isController else { throw ToolFailure("process.roles of node \(node.id) does not have controller.") }
        guard !node.controllerEndpoints.isEmpty else {
            throw ToolFailure("\(file): listeners has none of controller.listener.names")
        }
        let properties: MetaProperties?
        do { properties = try MetaProperties.read(in: node.metadataDirectory, PosixFileStore()) } catch {
            throw ToolFailure("\(error)")
        }
        guard let directory = properties?.directoryID else {
            throw ToolFailure("Unable to read meta.properties from \(node.metadataDirectory)")
        }
        let endpoints = node.controllerEndpoints.map(\.text).joined(separator: ", ")
        let what = "controller \(node.id) with directory id \(directory) and endpoints: \(endpoints)"
        if isDryRun { return print("DRY RUN of adding \(what)") }
        try await changing { (admin) throws(ClientError) in
            try await admin.addVoter(
                node.id, directory: directory,
                listeners: node.controllerEndpoints.map { endpoint in
                    var listener = AddRaftVoterRequest.Listener()
                    listener.name = endpoint.name
                    listener.host = endpoint.host
                    listener.port = endpoint.port
                    return listener
                })
        }
        print("Added \(what)")
    }

    private func removeController() async throws {
        guard let controllerID else {
            throw ToolFailure.usage("metadata-quorum: error: argument --controller-id/-i is required")
        }
        guard let controllerDirectoryID else {
            throw ToolFailure.usage("metadata-quorum: error: argument --controller-directory-id/-d is required")
        }
        guard let id = Int32(controllerID) else {
            throw ToolFailure.usage(
                "metadata-quorum: error: argument --controller-id/-i: could not convert '\(controllerID)' to integer")
        }
        guard id >= 0 else { throw ToolFailure("Invalid negative --controller-id: \(id)") }
        guard let directory = DirectoryID(controllerDirectoryID) else {
            throw ToolFailure("Failed to parse --controller-directory-id: \(controllerDirectoryID)")
        }
        // Kafka prints two spaces there, and scripts compare.
        if isDryRun { return print("DRY RUN of removing  KRaft controller \(id) with directory id \(directory)") }
        try await changing { (admin) throws(ClientError) in
            try await admin.removeVoter(BrokerID(id), directory: directory)
        }
        print("Removed  KRaft controller \(id) with directory id \(directory)")
    }

    private func changing(_ change: (Admin) async throws(ClientError) -> Void) async throws {
        do throws(ClientError) {
            // The file of `add-controller` is a node's, not a client's: its listeners say nothing of how to connect.
            var connection = connection
            if action == "add-controller" { connection.commandConfig = nil }
            let configuration: ClientConfiguration
            do throws(ToolFailure) {
                configuration = try connection.configuration(
                    clientID: "admin-quorum", controllers: bootstrapController)
            } catch { throw ClientError(.invalid, "\(error)") }
            try await change(try Admin(configuration))
        } catch { throw ToolFailure("Error: \(error)") }
    }

    private func describe() async throws {
        guard status != replication else {
            throw ToolFailure.usage("One of --status or --replication must be specified with describe sub-command")
        }
        do {
            let admin = try Admin(
                try connection.configuration(clientID: "admin-quorum", controllers: bootstrapController))
            let response = try await admin.describeQuorum()
            guard let quorum = response.topics.first?.partitions.first else {
                throw ClientError(.invalid, "The broker describes no quorum")
            }
            if status {
                let clusterID = try await admin.describeNodes().clusterID
                if isJSON { return print(QuorumTables.statusJSON(clusterID: clusterID, quorum, nodes: response.nodes)) }
                let lines = QuorumTables.status(clusterID: clusterID, quorum, nodes: response.nodes)
                for line in lines { print(line) }
            } else {
                let now = admin.cluster.runtime.clock.timeOfDay.value
                let table = QuorumTables.replication(quorum, agesAtMilliseconds: ages ? now : nil)
                if isJSON { return print(table.json) }
                for line in table.lines { print(line) }
            }
        } catch let error as ClientError {
            throw ToolFailure("Error: \(error)")
        }
    }
}
