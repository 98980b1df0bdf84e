import LiveWorld
import MartletClient

/// The options of `consumer-perf-test`, and what they come to.
struct ConsumerPerfOptions {
    static let topic = ToolOption("topic", .required("topic"), help: "The topic to consume from.")
    static let include = ToolOption(
        "include", .required("regex"), help: "A regular expression of the topics to consume from.")
    static let group = ToolOption(
        "group", .required("gid"), help: "The group to consume in. (default: perf-consumer-N)")
    static let fetchSize = ToolOption(
        "fetch-size", .required("size"), help: "Bytes of a partition in one answer. (default: 1048576)")
    static let fromLatest = ToolOption(
        "from-latest", help: "Start with the latest message where the group has no offset yet, not the earliest.")
    static let socketBuffer = ToolOption(
        "socket-buffer-size", .required("size"), help: "Accepted; the system chooses the size.")
    static let commandProperty = ToolOption(
        "command-property", .required("key=value"), isRepeatable: true, help: "A consumer property.")
    static let commandConfig = ToolOption(
        "command-config", .required("file"), oldNames: ["consumer.config"], help: "A file of consumer properties.")
    static let printsMetrics = ToolOption("print-metrics", help: "Print metrics at the end.")
    static let showsDetails = ToolOption(
        "show-detailed-stats", help: "Print a line for each interval instead of one at the end.")
    static let timeout = ToolOption(
        "timeout", .optional("ms", whenAlone: "10000"), help: "End when no message came for so long. (default: 10000)")
    static let records = ToolOption(
        "num-records", .required("count"), oldNames: ["messages"], help: "REQUIRED: The number of messages to consume.")
    static let reporting = ToolOption(
        "reporting-interval", .required("ms"), help: "Time between two lines of progress. (default: 5000)")
    static let dateFormat = ToolOption(
        "date-format", .required("format"), help: "How times are printed. (default: yyyy-MM-dd HH:mm:ss:SSS)")
    static let hidesHeader = ToolOption("hide-header", help: "Print no line of titles.")

    static let table = OptionTable(
        purpose: "This tool is used to verify the consumer performance.",
        [
            .bootstrapServer, topic, include, group, fetchSize, fromLatest, socketBuffer, commandProperty,
            commandConfig, printsMetrics, showsDetails, timeout, records, reporting, dateFormat, hidesHeader,
        ])

    private static let groupNumberEnd: UInt64 = 100_000

    let records: Int64
    let timeoutMilliseconds: Int64
    let reportingMilliseconds: Int64
    let dates: DatePattern
    private let given: GivenOptions

    init(_ given: GivenOptions) throws(ToolFailure) {
        try given.need(Self.records)
        guard given.has(Self.topic) != given.has(Self.include) else {
            throw .usage("Exactly one of the following arguments is required: [topic], [include]")
        }
        try given.need(.bootstrapServer)
        self.given = given
        records = try given.number(Self.records) ?? 0
        timeoutMilliseconds = try given.number(Self.timeout) ?? 10_000
        reportingMilliseconds = try given.number(Self.reporting) ?? 5_000
        guard reportingMilliseconds > 0 else { throw ToolFailure("Reporting interval must be greater than 0.") }
        dates = try DatePattern(try given.text(Self.dateFormat) ?? "yyyy-MM-dd HH:mm:ss:SSS")
    }

    var showsDetails: Bool { given.has(Self.showsDetails) }

    func makeConsumer() throws -> Consumer {
        var properties = try ToolClient.properties(given, file: Self.commandConfig, lines: Self.commandProperty)
        properties.replace("auto.offset.reset", given.has(Self.fromLatest) ? "latest" : "earliest")
        if let size = try given.text(Self.fetchSize) { properties.replace("max.partition.fetch.bytes", size) }
        let configuration = try ToolClient.configuration(given, properties, clientID: "perf-consumer-client")
        let options = try ConsumerProperties.options(properties)
        let named = try given.text(Self.group) ?? properties.values["group.id"]
        let group = named ?? "perf-consumer-\(SystemRandomness().next() % Self.groupNumberEnd)"
        if let include = try given.text(Self.include) {
            let pattern = try TopicPattern(include)
            return try Consumer(
                configuration, topicsMatching: { !pattern.matching([$0]).isEmpty }, group: group, options)
        }
        return try Consumer(configuration, topics: [try given.needed(Self.topic)], group: group, options)
    }
}
