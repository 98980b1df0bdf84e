import MartletClient

/// The options of `console-producer` and the producer properties that they stand for.
enum ConsoleProducerOptions {
    static let topic = ToolOption("topic", .required("topic"), help: "REQUIRED: The topic to produce messages to.")
    static let sync = ToolOption("sync", help: "Wait for each message to be acknowledged before the next is sent.")
    static let codec = ToolOption(
        "compression-codec", .optional("codec", whenAlone: "gzip"),
        help: "none, gzip, snappy, lz4 or zstd; gzip if no value is given.")
    static let batchSize = ToolOption(
        "batch-size", .required("size"), oldNames: ["max-partition-memory-bytes"],
        help: "Bytes of a batch, batch.size. (default: 16384)")
    static let retries = ToolOption(
        "message-send-max-retries", .required("number"),
        help: "How often a batch is sent again, retries. (default: until delivery.timeout.ms is over)")
    static let backoff = ToolOption(
        "retry-backoff-ms", .required("ms"), help: "The first wait before that, retry.backoff.ms. (default: 100)")
    static let linger = ToolOption(
        "timeout", .required("ms"),
        help: "How long a message waits for others to come into its batch, linger.ms. (default: 1000)")
    static let acks = ToolOption(
        "request-required-acks", .required("acks"), help: "-1 or all, 1, or 0, acks. (default: -1)")
    static let requestTimeout = ToolOption(
        "request-timeout-ms", .required("ms"),
        help: "How long an answer is waited for, request.timeout.ms. (default: 30000)")
    static let metadataExpiry = ToolOption(
        "metadata-expiry-ms", .required("ms"),
        help: "Age after which the cluster is asked anew, metadata.max.age.ms. (default: 300000)")
    static let maxBlock = ToolOption(
        "max-block-ms", .required("ms"), help: "How long the topic is waited for, max.block.ms. (default: 60000)")
    static let memory = ToolOption(
        "max-memory-bytes", .required("bytes"),
        help: "Bytes of messages that may wait to be sent, buffer.memory. (default: 33554432)")
    static let socketBuffer = ToolOption(
        "socket-buffer-size", .required("size"), help: "Accepted; the system chooses the size.")
    static let lineReader = ToolOption(
        "line-reader", .required("class"), help: "The class that reads lines; only LineMessageReader is built in.")
    static let readerProperty = ToolOption(
        "reader-property", .required("key=value"), oldNames: ["property"], isRepeatable: true,
        help: "How lines are read: parse.key=false, key.separator=\\t, parse.headers=false, headers.delimiter=\\t, "
            + "headers.separator=, headers.key.separator=: ignore.error=false null.marker= ; a line with all of them "
            + "is h1:v1,h2:v2\\tkey\\tvalue")
    static let readerConfig = ToolOption("reader-config", .required("file"), help: "A file of reader properties.")
    static let commandConfig = ToolOption(
        "command-config", .required("file"), oldNames: ["producer.config"],
        help: "A file of producer properties; --command-property goes before it.")
    static let commandProperty = ToolOption(
        "command-property", .required("key=value"), oldNames: ["producer-property"], isRepeatable: true,
        help: "A producer property.")

    static let table = OptionTable(
        purpose: "This tool helps to read data from standard input and publish it to Kafka.",
        [
            .bootstrapServer, topic, sync, codec, batchSize, retries, backoff, linger, acks, requestTimeout,
            metadataExpiry, maxBlock, memory, socketBuffer, lineReader, readerProperty, readerConfig, commandConfig,
            commandProperty,
        ])

    /// What each option stands for, and what holds where neither it nor the property is given.
    private static let meanings: [(option: ToolOption, property: String, otherwise: String?)] = [
        (codec, "compression.type", "none"), (batchSize, "batch.size", "16384"), (retries, "retries", nil),
        (backoff, "retry.backoff.ms", "100"), (linger, "linger.ms", "1000"), (acks, "acks", "-1"),
        (requestTimeout, "request.timeout.ms", nil), (metadataExpiry, "metadata.max.age.ms", nil),
        (maxBlock, "max.block.ms", "60000"), (memory, "buffer.memory", nil),
    ]

    /// All producer properties: those of the options before those that were given by name.
    static func properties(_ given: GivenOptions) throws(ToolFailure) -> ClientProperties {
        var properties = try ToolClient.properties(given, file: commandConfig, lines: commandProperty)
        for meaning in meanings {
            if let value = try given.text(meaning.option) {
                properties.replace(meaning.property, value)
            } else if let value = meaning.otherwise {
                properties.setDefault(meaning.property, value)
            }
        }
        return properties
    }
}
