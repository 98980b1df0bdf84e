package import ArgumentParser
import MartletClient
import Primitives
import WireMessages
import World

/// `martlet metadata-quorum describe`, `kafka-metadata-quorum`: shows the quorum of controllers.
package struct MetadataQuorumCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "metadata-quorum", abstract: "Describe the quorum of controllers.",
        usage: "metadata-quorum (--bootstrap-server HOST:PORT | --bootstrap-controller HOST:PORT) describe (--status | "
            + "--replication [--human-readable])")

    @OptionGroup package var connection: ConnectionOptions
    @Option(name: .customLong("bootstrap-controller"), help: "The controllers to connect to instead of brokers.")
    package var bootstrapController: String?
    @Argument(help: "describe") package var action: String?
    @Flag(name: .customLong("status"), help: "Show the leader, its epoch and the members.") package var status = false
    @Flag(name: .customLong("replication"), help: "Show how far each member is.") package var replication = false
    @Flag(name: .customLong("human-readable"), help: "Show times as ages.") package var ages = false

    @Flag(name: .customLong("json"), help: "Print one JSON document instead of text. (Not in Kafka.)")
    package var isJSON = false

    package init() {}

    package func run() async throws {
        guard let action else { throw ToolFailure.usage("too few arguments") }
        guard action == "describe" else {
            throw ToolFailure.usage("metadata-quorum: error: argument command: invalid choice: '\(action)'")
        }
        guard status != replication else {
            throw ToolFailure.usage("One of --status or --replication must be specified with describe sub-command")
        }
        if bootstrapController != nil, connection.bootstrapServer != nil {
            throw ToolFailure.usage(
                "metadata-quorum: error: argument --bootstrap-controller: not allowed with argument --bootstrap-server")
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
