import MartletClient

/// The options of `console-consumer`.
enum ConsoleConsumerOptions {
    static let topic = ToolOption("topic", .required("topic"), help: "The topic to consume from.")
    static let include = ToolOption(
        "include", .required("regex"), help: "A regular expression of the topics to consume from.")
    static let partition = ToolOption(
        "partition", .required("partition"),
        help: "The partition to consume from, from its end unless --offset says otherwise.")
    static let offset = ToolOption(
        "offset", .required("offset"), help: "Where to start in it: a number, earliest or latest. (default: latest)")
    static let fromBeginning = ToolOption(
        "from-beginning", help: "Start with the earliest message where the group has no offset yet.")
    static let group = ToolOption("group", .required("group"), help: "The id of the group to consume in.")
    static let maxMessages = ToolOption("max-messages", .required("number"), help: "End after so many messages.")
    static let timeout = ToolOption("timeout-ms", .required("ms"), help: "End when no message came for so long.")
    static let skipsErrors = ToolOption(
        "skip-message-on-error", help: "Skip a message that can't be printed instead of ending.")
    static let isolation = ToolOption(
        "isolation-level", .required("level"),
        help: "read_committed or read_uncommitted. (default: read_uncommitted)")
    static let formatter = ToolOption(
        "formatter", .required("class"),
        help: "How messages are printed: DefaultMessageFormatter, LoggingMessageFormatter, NoOpMessageFormatter, "
            + "OffsetsMessageFormatter, GroupMetadataMessageFormatter or TransactionLogMessageFormatter.")
    static let formatterConfig = ToolOption(
        "formatter-config", .required("file"), help: "A file of formatter properties.")
    static let formatterProperty = ToolOption(
        "formatter-property", .required("key=value"), oldNames: ["property"], isRepeatable: true,
        help: "What is printed: print.timestamp, print.partition, print.offset, print.epoch, print.delivery, "
            + "print.headers, print.key, print.value=true|false, key.separator, line.separator, headers.separator, "
            + "null.literal, key.deserializer, value.deserializer, headers.deserializer.")
    static let keyDeserializer = ToolOption(
        "key-deserializer", .required("class"), help: "The class that makes keys readable.")
    static let valueDeserializer = ToolOption(
        "value-deserializer", .required("class"), help: "The class that makes values readable.")
    static let commandProperty = ToolOption(
        "command-property", .required("key=value"), oldNames: ["consumer-property"], isRepeatable: true,
        help: "A consumer property.")
    static let commandConfig = ToolOption(
        "command-config", .required("file"), oldNames: ["consumer.config"],
        help: "A file of consumer properties; --command-property goes before it.")
    static let systemTests = ToolOption(
        "enable-systest-events", help: "Print shutdown_complete at the end.")

    static let table = OptionTable(
        purpose: "This tool helps to read data from Kafka topics and outputs it to standard output.",
        [
            .bootstrapServer, topic, include, partition, offset, fromBeginning, group, maxMessages, timeout,
            skipsErrors, isolation, formatter, formatterConfig, formatterProperty, keyDeserializer, valueDeserializer,
            commandProperty, commandConfig, systemTests,
        ])

    /// Refuses what makes no sense together, in the words of Kafka's tool.
    static func check(_ given: GivenOptions) throws(ToolFailure) {
        guard given.has(topic) != given.has(include) else {
            throw .usage("Exactly one of --include/--topic is required. ")
        }
        if given.has(partition) {
            guard given.has(topic) else { throw .usage("The topic is required when partition is specified.") }
            if given.has(fromBeginning), given.has(offset) {
                throw .usage("Options from-beginning and offset cannot be specified together.")
            }
        } else if given.has(offset) {
            throw .usage("The partition is required when offset is specified.")
        }
        try given.need(.bootstrapServer)
    }

    /// The group that is named, in whichever place; nil where none is.
    ///
    /// - Errors: several that differ; one together with a partition.
    static func group(
        _ given: GivenOptions, file: ClientProperties, lines: ClientProperties
    ) throws(ToolFailure) -> String? {
        let named = [try given.text(group), file.values["group.id"], lines.values["group.id"]].compactMap { $0 }
        var distinct: [String] = []
        for name in named where !distinct.contains(name) { distinct.append(name) }
        if distinct.count > 1 {
            throw .usage(
                "The group ids provided in different places (directly using '--group', via '--consumer-property', or "
                    + "via '--consumer.config') do not match. Detected group ids: "
                    + distinct.map { "'\($0)'" }.joined(separator: ", "))
        }
        if !distinct.isEmpty, given.has(partition) {
            throw .usage("Options group and partition cannot be specified together.")
        }
        return distinct.first
    }

    /// Where a partition that is named is read from.
    static func start(_ given: GivenOptions) throws(ToolFailure) -> ConsumerOptions.ManualStart {
        let text = try given.text(offset)
        switch text?.lowercased() {
        case nil: return given.has(fromBeginning) ? .earliest : .latest
        case "earliest": return .earliest
        case "latest": return .latest
        default:
            guard let text, let number = Int64(text), number >= 0 else {
                throw .usage(
                    "The provided offset value '\(text ?? "")' is incorrect. Valid values are 'earliest', 'latest', or "
                        + "a non-negative long.")
            }
            return .offset(number)
        }
    }
}
