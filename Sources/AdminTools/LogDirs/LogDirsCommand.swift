package import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `martlet log-dirs`, `kafka-log-dirs`: what the log directories of brokers hold.
package struct LogDirsCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "log-dirs", abstract: "Show the log directories of brokers and the replicas in them.")

    private static let describe = ToolOption("describe", help: "Describe the log directories.")
    private static let topicList = ToolOption(
        "topic-list", .required("topic1,topic2"), help: "Only replicas of these topics.")
    private static let brokerList = ToolOption("broker-list", .required("0,1,2"), help: "Only these brokers.")

    package static let table = OptionTable(
        purpose: "This tool helps to query log directory usage on the specified brokers.",
        [.bootstrapServer, .commandConfig, describe, topicList, brokerList, .json])

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        try given.need(.bootstrapServer)
        try given.need(LogDirsCommand.describe)
        let topics = Set(LogDirsCommand.list(try given.text(LogDirsCommand.topicList)))
        var wanted: [BrokerID] = []
        for text in LogDirsCommand.list(try given.text(LogDirsCommand.brokerList)) {
            guard let id = Int32(text) else { throw ToolFailure("For input string: \"\(text)\"") }
            wanted.append(BrokerID(id))
        }
        do {
            let admin = try Admin(try ToolClient.configuration(given, clientID: "log-dirs-tool"))
            try await admin.cluster.refresh(topics: [])
            let living = admin.cluster.view.brokerIDs
            let missing = Set(wanted).subtracting(living).sorted()
            guard missing.isEmpty else {
                throw ToolFailure(
                    "ERROR: The given brokers do not exist from --broker-list: \(LogDirsCommand.text(missing)). "
                        + "Current existent brokers: \(LogDirsCommand.text(living))")
            }
            let asked = wanted.isEmpty ? living : Set(wanted).sorted()
            if !given.has(.json) { print("Querying brokers for log directories information") }
            var brokers: [JSONValue] = []
            for broker in asked {
                brokers.append(LogDirsCommand.json(broker, try await admin.logDirs(of: broker), topics: topics))
            }
            if !given.has(.json) {
                print("Received log directory information from brokers \(LogDirsCommand.text(asked))")
            }
            print(["version": 1, "brokers": .array(brokers)] as JSONValue)
        } catch let error as ClientError {
            throw ToolFailure(ExceptionText.of(error))
        }
    }

    private static func list(_ text: String?) -> [String] { (text ?? "").split(separator: ",").map(String.init) }

    private static func text(_ ids: [BrokerID]) -> String { ids.map(\.description).joined(separator: ",") }

    /// One broker as Kafka's tool writes it; an empty set of topics stands for all.
    static func json(
        _ broker: BrokerID, _ directories: [DescribeLogDirsResponse.DescribeLogDirsResult], topics: Set<String>
    ) -> JSONValue {
        let logDirs = directories.map { directory -> JSONValue in
            let replicas = directory.topics.filter { topics.isEmpty || topics.contains($0.name) }
                .sorted { $0.name < $1.name }
                .flatMap { topic in
                    topic.partitions.sorted { $0.partitionIndex < $1.partitionIndex }.map { partition -> JSONValue in
                        [
                            "partition": .text("\(topic.name)-\(partition.partitionIndex)"),
                            "size": .integer(partition.partitionSize), "offsetLag": .integer(partition.offsetLag),
                            "isFuture": .boolean(partition.isFutureKey),
                        ]
                    }
                }
            let error = directory.errorCode == .noError ? nil : ExceptionText.className(of: directory.errorCode)
            return ["logDir": .text(directory.logDir), "error": .text(orNull: error), "partitions": .array(replicas)]
        }
        return ["broker": .integer(Int64(broker.value)), "logDirs": .array(logDirs)]
    }
}
