package import ArgumentParser
import ClientCore
import MartletClient
import Primitives

/// `martlet leader-election`, `kafka-leader-election`: has leaders elected by hand.
package struct LeaderElectionCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "leader-election", abstract: "Elect leaders of partitions by hand.")

    private static let electionType = ToolOption(
        "election-type", .required("preferred|unclean"),
        help:
            "preferred: the first replica leads again, if it is in sync. unclean: any replica may lead where there is "
            + "no leader, at the price of records. REQUIRED.")
    private static let allPartitions = ToolOption(
        "all-topic-partitions", help: "All partitions that need the election.")
    private static let topic = ToolOption("topic", .required("topic name"), help: "The topic, with --partition.")
    private static let partition = ToolOption("partition", .required("partition id"), help: "The partition.")
    private static let path = ToolOption(
        "path-to-json-file", .required("Path to JSON file"),
        help: "A file with partitions: {\"partitions\": [{\"topic\": \"foo\", \"partition\": 1}]}.")
    private static let commandConfig = ToolOption(
        "command-config", .required("Config file"), oldNames: ["admin.config"], help: "A file of client properties.")
    private static let scopes = [topic, allPartitions, path]

    package static let table = OptionTable(
        purpose:
            "This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported "
            + "are preferred replicas and unclean replicas.",
        [.bootstrapServer, commandConfig, electionType, allPartitions, topic, partition, path, .json])

    /// Kafka's own default for this tool.
    private static let timeoutMilliseconds: Int64 = 30_000

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        typealias Tool = LeaderElectionCommand
        try Tool.check(given)
        let text = try given.needed(Tool.electionType)
        guard let kind = Tool.kind(text) else {
            throw ToolFailure.usage(
                "Cannot parse argument '\(text)' of option election-type: expected preferred or unclean")
        }
        let places = try Tool.places(given)
        var configuration = try ToolClient.configuration(given, clientID: "admin-election")
        configuration.callTimeoutMilliseconds = Tool.timeoutMilliseconds
        let outcomes: [TopicPartition: ClientError?]
        do throws(ClientError) {
            outcomes = try await Admin(configuration).electLeaders(kind, of: places)
        } catch {
            switch error.code {
            case .requestTimedOut?: throw ToolFailure("Timeout waiting for election results", on: .output)
            case .clusterAuthorizationFailed?:
                throw ToolFailure("Not authorized to perform leader election", on: .output)
            default:
                if error.kind == .timeout { throw ToolFailure("Timeout waiting for election results", on: .output) }
                throw ToolFailure(ExceptionText.of(error))
            }
        }
        try ElectionReport(kind, outcomes).show(isJSON: given.has(.json))
    }

    private static func kind(_ text: String) -> ElectionKind? {
        switch text.lowercased() {
        case "preferred": .preferred
        case "unclean": .unclean
        default: nil
        }
    }

    private static func check(_ given: GivenOptions) throws(ToolFailure) {
        var missing: [String] = []
        if !given.has(.bootstrapServer) { missing.append("bootstrap-server") }
        if !given.has(electionType) { missing.append("election-type") }
        if given.has(topic), !given.has(partition) { missing.append("partition") }
        guard missing.isEmpty else {
            throw ToolFailure("Missing required option(s): \(missing.joined(separator: ", "))")
        }
        guard scopes.filter(given.has).count == 1 else {
            let names = scopes.map(\.name).joined(separator: ", ")
            throw ToolFailure("One and only one of the following options is required: \(names)")
        }
        if given.has(partition), !given.has(topic) {
            throw ToolFailure("Option partition is only allowed if topic is used")
        }
    }

    /// The partitions that are named; nil stands for all.
    private static func places(_ given: GivenOptions) throws(ToolFailure) -> [TopicPartition]? {
        if let file = try given.text(path) {
            return try ElectionFile.places(in: try JSONFile.read(file))
        }
        guard let topic = try given.text(topic), let index: Int32 = try given.number(partition) else { return nil }
        return [TopicPartition(topic, PartitionIndex(index))]
    }
}
