package import ArgumentParser
import MartletClient
import Primitives
import WireMessages

/// `martlet cluster cluster-id`, `kafka-cluster`: the id of a cluster, its endpoints, and brokers that are gone.
package struct KafkaClusterCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "kafka-cluster", abstract: "Ask any cluster for its id or its endpoints, or unregister a broker.",
        usage: "kafka-cluster {cluster-id,unregister,list-endpoints} (-b HOST:PORT | -C HOST:PORT) [options]")

    @Argument(help: "cluster-id, unregister or list-endpoints") package var action: String?
    @Option(name: [.customShort("b"), .customLong("bootstrap-server")], help: "The brokers to connect to.")
    package var bootstrapServer: String?
    @Option(name: [.customShort("C"), .customLong("bootstrap-controller")], help: "The controllers to connect to.")
    package var bootstrapController: String?
    @Option(name: [.customShort("c"), .customLong("command-config")], help: "A file of client properties.")
    package var commandConfig: String?
    @Option(name: .customLong("config"), help: "Deprecated: use --command-config.") package var oldConfig: String?
    @Option(name: [.customShort("i"), .customLong("id")], help: "The broker to unregister.") package var id: Int32?
    @Flag(name: .customLong("include-fenced-brokers"), help: "List endpoints of fenced brokers, too.")
    package var includesFenced = false
    @Flag(name: .customLong("json"), help: "Print one JSON document instead of text. (Not in Kafka.)")
    package var isJSON = false

    package init() {}

    private enum Action: String, CaseIterable {
        case clusterID = "cluster-id"
        case unregister
        case listEndpoints = "list-endpoints"
    }

    package func run() async throws {
        guard let action else { throw KafkaClusterCommand.failure("too few arguments") }
        guard let chosen = Action(rawValue: action) else {
            let known = Action.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw KafkaClusterCommand.failure("argument command: invalid choice: '\(action)' (choose from \(known))")
        }
        if chosen == .unregister, id == nil { throw KafkaClusterCommand.failure("argument --id/-i is required") }
        do {
            let admin = try Admin(try configuration())
            switch chosen {
            case .clusterID: try await printID(admin)
            case .unregister: try await unregister(BrokerID(id ?? -1), admin)
            case .listEndpoints: try await listEndpoints(admin)
            }
        } catch let error as ClientError {
            throw ToolFailure(ExceptionText.of(error))
        }
    }

    private static func failure(_ text: String) -> ToolFailure {
        ToolFailure("usage: \(configuration.usage ?? "")\nkafka-cluster: error: \(text)")
    }

    private func configuration() throws(ToolFailure) -> ClientConfiguration {
        if commandConfig != nil, oldConfig != nil {
            throw KafkaClusterCommand.failure("argument --config: not allowed with argument --command-config/-c")
        }
        if oldConfig != nil {
            Console.complain(
                "Option --config has been deprecated and will be removed in a future version. Use --command-config "
                    + "instead.")
        }
        if bootstrapServer != nil, bootstrapController != nil {
            throw KafkaClusterCommand.failure(
                "argument --bootstrap-controller/-C: not allowed with argument --bootstrap-server/-b")
        }
        guard let servers = bootstrapServer ?? bootstrapController else {
            throw KafkaClusterCommand.failure(
                "one of the arguments --bootstrap-server/-b --bootstrap-controller/-C is required")
        }
        var configuration = ClientConfiguration(bootstrapServers: servers, clientID: "admin-cluster")
        configuration.usesControllers = bootstrapController != nil
        if let file = commandConfig ?? oldConfig { try ClientProperties(file: file).apply(to: &configuration) }
        return configuration
    }

    private func printID(_ admin: Admin) async throws(ClientError) {
        let id = try await admin.describeNodes().clusterID
        if isJSON { print(["clusterId": .text(id)] as JSONValue) } else { print("Cluster ID: \(id)") }
    }

    private func unregister(_ broker: BrokerID, _ admin: Admin) async throws(ClientError) {
        do throws(ClientError) { try await admin.unregisterBroker(broker) } catch {
            guard error.kind == .unsupported else { throw error }
            return print("The target cluster does not support the broker unregistration API.")
        }
        print("Broker \(broker) is no longer registered.")
    }

    private func listEndpoints(_ admin: Admin) async throws {
        if includesFenced, bootstrapController != nil {
            throw ToolFailure("The option --include-fenced-brokers is only supported with --bootstrap-server option")
        }
        let response = try await admin.describeNodes(includesFenced: includesFenced)
        let kind = bootstrapController == nil ? "broker" : "controller"
        let table = KafkaClusterCommand.table(response.brokers.sorted { $0.brokerID < $1.brokerID }, kind: kind)
        if isJSON { return print(table.json) }
        for line in table.lines { print(line) }
    }

    static func table(_ nodes: [DescribeClusterResponse.DescribeClusterBroker], kind: String) -> PaddedTable {
        var table = PaddedTable([
            .init("ID", .fixed(10)), .init("HOST", .atLeast(9)), .init("PORT", .fixed(10)), .init("RACK", .fixed(10)),
            .init("STATE", .fixed(10)), .init("ENDPOINT_TYPE", .fixed(15)),
        ])
        for node in nodes {
            table.append(cells: [
                .integer(Int64(node.brokerID.value)), .text(node.host), .integer(Int64(node.port)),
                .text(node.rack ?? "null"), .text(node.isFenced ? "fenced" : "unfenced"), .text(kind),
            ])
        }
        return table
    }
}
