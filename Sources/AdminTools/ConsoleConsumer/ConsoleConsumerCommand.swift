package import ArgumentParser
import Glibc
import MartletClient
import Synchronization

/// `martlet console-consumer`, `kafka-console-consumer`: prints the records of topics.
///
/// Without `--group` it reads all partitions by itself and joins no group; Kafka's makes one with a random name.
package struct ConsoleConsumerCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "console-consumer", abstract: "Print the records of a topic.")

    @OptionGroup package var connection: ConnectionOptions
    @Option(name: .customLong("topic"), help: "The topic to read.") package var topic: String?
    @Option(name: .customLong("include"), help: "A regular expression of topics to read.") package var include: String?
    @Option(name: .customLong("partition"), help: "Read only this partition.") package var partition: Int32?
    @Option(name: .customLong("offset"), help: "Where to start in it: a number, earliest or latest.")
    package var offset: String?
    @Flag(name: .customLong("from-beginning"), help: "Start at the first record where nothing is committed.")
    package var fromBeginning = false
    @Option(name: .customLong("group"), help: "Read as a member of this group.") package var group: String?
    @Option(name: .customLong("max-messages"), help: "End after so many records.") package var messagesMax: Int?
    @Option(name: .customLong("timeout-ms"), help: "End when none came for so long.") package var timeout: Int64?
    @Flag(name: .customLong("skip-message-on-error"), help: "Accepted; printing does not fail.") package var skips =
        false
    @Option(name: .customLong("isolation-level"), help: "read_uncommitted or read_committed.")
    package var isolationLevel = "read_uncommitted"
    @Option(name: .customLong("formatter"), help: "Accepted; there is the default one.") package var formatter: String?
    @Option(name: .customLong("formatter-config"), help: "A file of formatter properties.")
    package var formatterConfig: String?
    @Option(name: [.customLong("formatter-property"), .customLong("property")], help: "What is printed: key=value.")
    package var formatterProperties: [String] = []
    @Option(name: .customLong("key-deserializer"), help: "Accepted; bytes are printed as they are.")
    package var keyDeserializer: String?
    @Option(name: .customLong("value-deserializer"), help: "Accepted; bytes are printed as they are.")
    package var valueDeserializer: String?
    @Option(
        name: [.customLong("command-property"), .customLong("consumer-property")],
        help: "A consumer property: key=value.")
    package var commandProperties: [String] = []
    @Option(name: .customLong("consumer.config"), help: "The old name of --command-config.")
    package var oldConfig: String?

    package init() {}

    /// How often the wish to end is looked at while nothing comes.
    private static let waitMilliseconds: Int64 = 200

    /// Bytes that are written together at most.
    private static let writeBytes = 65_536

    package func run() async throws {
        guard connection.bootstrapServer != nil else { throw ToolFailure.missing("bootstrap-server") }
        guard (topic == nil) != (include == nil) else {
            throw ToolFailure.usage("Exactly one of --include/--topic is required. ")
        }
        if offset != nil, partition == nil {
            throw ToolFailure.usage("The partition is required when offset is specified.")
        }
        if offset != nil, fromBeginning {
            throw ToolFailure.usage("Options from-beginning and offset cannot be specified together.")
        }
        let text = try recordText()
        Interruption.watch()
        do {
            let consumer = try await makeConsumer()
            let count = try await print(from: consumer, text)
            await consumer.close()
            Console.complain("Processed a total of \(count) messages")
        } catch let error as ClientError {
            throw ToolFailure("Error processing message, terminating consumer process: \(error)")
        }
    }

    /// Prints until the end; what has come already is written together.
    private func print(from consumer: Consumer, _ text: RecordText) async throws(ClientError) -> Int {
        var count = 0
        var waited: Int64 = 0
        var unwritten: [UInt8] = []
        while count < messagesMax ?? Int.max, !Interruption.isWanted {
            let wait = max(1, min(Self.waitMilliseconds, (timeout ?? Int64.max) - waited))
            if let record = try await consumer.next(timeoutMilliseconds: unwritten.isEmpty ? wait : 0) {
                waited = 0
                count += 1
                unwritten += text.bytes(of: record)
                guard unwritten.count >= Self.writeBytes else { continue }
            } else if unwritten.isEmpty {
                waited += wait
                guard let timeout, waited >= timeout else { continue }
                Console.complain("No message within \(timeout) ms (--timeout-ms)")
                break
            }
            Console.write(unwritten)
            unwritten = []
        }
        Console.write(unwritten)
        return count
    }

    private func recordText() throws(ToolFailure) -> RecordText {
        if let formatter, !formatter.hasSuffix("DefaultMessageFormatter") {
            throw ToolFailure("--formatter \(formatter): only the default formatter is built in")
        }
        var properties = ClientProperties()
        if let formatterConfig { properties = try ClientProperties(file: formatterConfig) }
        for property in formatterProperties { try properties.set(property) }
        return try RecordText(properties)
    }

    private func makeConsumer() async throws -> Consumer {
        var properties = ClientProperties()
        if let file = connection.commandConfig ?? oldConfig { properties = try ClientProperties(file: file) }
        for property in commandProperties { try properties.set(property) }
        var configuration = ClientConfiguration(
            bootstrapServers: connection.bootstrapServer ?? "", clientID: "console-consumer")
        try properties.apply(to: &configuration)
        let options = try options(properties)
        if let partition {
            guard let topic else { throw ToolFailure.usage("The topic is required when partition is specified.") }
            return try Consumer(configuration, topic: topic, partition: partition, from: try start(), options)
        }
        var topics = topic.map { [$0] } ?? []
        if let include {
            let admin = try Admin(configuration)
            topics = try TopicPattern(include).matching(try await admin.topicNames())
            admin.close()
        }
        guard let group = group ?? properties.values["group.id"] else {
            return try Consumer(configuration, topics: topics, options)
        }
        return try Consumer(configuration, topics: topics, group: group, options)
    }

    private func start() throws(ToolFailure) -> ConsumerOptions.ManualStart {
        switch offset?.lowercased() {
        case nil: return fromBeginning ? .earliest : .latest
        case "earliest": return .earliest
        case "latest": return .latest
        case let text?:
            guard let number = Int64(text), number >= 0 else {
                throw .usage(
                    "The provided offset value '\(text)' is incorrect. Valid values are 'earliest', 'latest', or a "
                        + "non-negative long.")
            }
            return .offset(number)
        }
    }

    private func options(_ properties: ClientProperties) throws(ToolFailure) -> ConsumerOptions {
        var options = ConsumerOptions()
        let reset = properties.values["auto.offset.reset"] ?? (fromBeginning ? "earliest" : "latest")
        switch reset {
        case "earliest": options.start = .earliest
        case "latest": options.start = .latest
        default: throw ToolFailure("auto.offset.reset=\(reset): expected earliest or latest")
        }
        switch isolationLevel {
        case "read_committed": options.readsCommittedOnly = true
        case "read_uncommitted": options.readsCommittedOnly = false
        default: throw ToolFailure("--isolation-level \(isolationLevel): expected read_committed or read_uncommitted")
        }
        options.commitsAutomatically = try properties.boolean("enable.auto.commit") ?? true
        return options
    }
}
