import MartletClient
import Primitives

/// The options of `producer-perf-test`, and what they come to.
package struct ProducerPerfOptions {
    /// The transactions in which messages are sent.
    package struct Transactions: Hashable, Sendable {
        package let id: String
        package let durationMilliseconds: Int64
    }

    private static let randomIDPrefix = "performance-producer-"
    private static let transactionMillisecondsDefault: Int64 = 3_000

    static let topic = ToolOption("topic", .required("TOPIC"), help: "Produce messages to this topic.")
    static let records = ToolOption("num-records", .required("NUM-RECORDS"), help: "The number of messages to produce.")
    static let recordSize = ToolOption(
        "record-size", .required("RECORD-SIZE"),
        help: "Bytes of a message, or else --payload-file or "
            + "--payload-monotonic.")
    static let payloadFile = ToolOption(
        "payload-file", .required("PAYLOAD-FILE"), help: "A file of messages, of which each is taken at random.")
    static let payloadMonotonic = ToolOption("payload-monotonic", help: "Messages are the numbers 0, 1, 2, ...")
    static let delimiter = ToolOption(
        "payload-delimiter", .required("PAYLOAD-DELIMITER"), help: "What divides the payload file. (default: \\n)")
    static let throughput = ToolOption(
        "throughput", .required("THROUGHPUT"), help: "Messages a second at most, about; -1 for no limit.")
    static let properties = ToolOption(
        "command-property", .words("PROP-NAME=PROP-VALUE"), oldNames: ["producer-props"], isRepeatable: true,
        help: "Producer properties like bootstrap.servers; they go before those of --command-config.")
    static let config = ToolOption(
        "command-config", .required("CONFIG-FILE"), oldNames: ["producer.config"],
        help: "A file of producer properties.")
    static let printsMetrics = ToolOption("print-metrics", help: "Print metrics at the end of the test.")
    static let transactionalID = ToolOption(
        "transactional-id", .required("TRANSACTIONAL-ID"),
        help: "Messages are sent in transactions of this id; it goes before transactional.id of the properties. "
            + "(default, with --transaction-duration-ms: performance-producer- and a random part)")
    static let transactionDuration = ToolOption(
        "transaction-duration-ms", .required("TRANSACTION-DURATION"),
        help: "Messages are sent in transactions, of which each is committed after this time. (default, with an id: "
            + "3000)")
    static let warmUp = ToolOption(
        "warmup-records", .required("WARMUP-RECORDS"),
        help: "Messages at the beginning that do not count for the steady state. (default: 0)")
    static let reporting = ToolOption(
        "reporting-interval", .required("INTERVAL-MS"), help: "Time between two lines of progress. (default: 5000)")

    static let table = OptionTable(
        purpose: "This tool is used to verify the producer performance.",
        habit: .argparse(program: "producer-performance"),
        [
            .bootstrapServer, topic, records, recordSize, payloadFile, payloadMonotonic, delimiter, throughput,
            properties, config, printsMetrics, transactionalID, transactionDuration, warmUp, reporting,
        ])

    let topic: String
    let records: Int64
    let warmUp: Int64
    /// Nil for no limit.
    let recordsPerSecond: Double?
    let reportingMilliseconds: Int64
    let properties: ClientProperties
    let servers: String
    /// Nil where messages are sent without.
    package let transactions: Transactions?

    package init(_ given: GivenOptions) throws(ToolFailure) {
        let table = ProducerPerfOptions.table
        topic = try given.needed(Self.topic)
        try given.need(Self.records)
        records = try given.number(Self.records) ?? 0
        recordsPerSecond = try Self.recordsPerSecond(given)
        warmUp = max(try given.number(Self.warmUp) ?? 0, 0)
        reportingMilliseconds = try given.number(Self.reporting) ?? 5_000
        guard records > 0 else { throw table.failure("--num-records should be greater than zero") }
        guard warmUp < records else {
            throw table.failure(
                "The value for --warmup-records must be strictly fewer than the number of records in the test, "
                    + "--num-records.")
        }
        guard reportingMilliseconds > 0 else { throw table.failure("--reporting-interval should be greater than zero") }
        properties = try ToolClient.properties(given, file: Self.config, lines: Self.properties)
        guard let servers = try given.text(.bootstrapServer) ?? properties.values["bootstrap.servers"] else {
            throw table.failure(
                "At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or "
                    + "--command-config must be specified.")
        }
        self.servers = servers
        transactions = try Self.transactions(given, properties)
    }

    /// An id or a duration turns transactions on, wherever the id is given.
    private static func transactions(
        _ given: GivenOptions, _ properties: ClientProperties
    ) throws(ToolFailure) -> Transactions? {
        let duration: Int64? = try given.number(transactionDuration)
        if let duration, duration <= 0 { throw table.failure("--transaction-duration-ms should be greater than zero") }
        let id = try given.text(transactionalID) ?? properties.values["transactional.id"]
        if id == nil, duration == nil { return nil }
        var randomness = ClientRuntime.shared.generator()
        return Transactions(
            id: id ?? "\(randomIDPrefix)\(UUID128.random(using: &randomness))",
            durationMilliseconds: duration ?? transactionMillisecondsDefault)
    }

    private static func recordsPerSecond(_ given: GivenOptions) throws(ToolFailure) -> Double? {
        let text = try given.needed(throughput)
        guard let number = Double(text), number != 0, !number.isNaN else {
            throw table.failure("argument --throughput: could not convert '\(text)' to a number that is not 0")
        }
        return number < 0 ? nil : number
    }

    /// The messages, from the one option of three that says what they are.
    static func payloads(_ given: GivenOptions) throws(ToolFailure) -> Payloads {
        let choices = [recordSize, payloadFile, payloadMonotonic]
        let chosen = choices.filter(given.has)
        guard let only = chosen.first else {
            throw table.failure(
                "one of the arguments " + choices.map { "--\($0.name)" }.joined(separator: " ") + " is required")
        }
        try given.exclude(only, Array(chosen.dropFirst()))
        if let path = try given.text(payloadFile) {
            print("Reading payloads from: \(path)")
            let texts = try Payloads.read(path, delimiter: try given.text(delimiter) ?? "\\n")
            print("Number of messages read: \(texts.count)")
            return .texts(texts)
        }
        if given.has(payloadMonotonic) { return .numbers }
        let count: Int = try given.number(recordSize) ?? 0
        guard count > 0 else { throw table.failure("--record-size should be greater than zero") }
        return .random(count: count)
    }
}
