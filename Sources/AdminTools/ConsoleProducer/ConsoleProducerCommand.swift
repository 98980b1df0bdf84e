package import ArgumentParser
import MartletClient
import Synchronization

/// `martlet console-producer`, `kafka-console-producer`: writes the lines of standard input as records.
package struct ConsoleProducerCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "console-producer", abstract: "Write the lines of standard input to a topic.")

    @OptionGroup package var connection: ConnectionOptions
    @Option(name: .customLong("topic"), help: "The topic to write to.") package var topic: String?
    @Flag(name: .customLong("sync"), help: "Wait for each record to be acknowledged.") package var isSynchronous = false
    @Option(name: .customLong("compression-codec"), help: "none, gzip (if no value is given), snappy, lz4 or zstd.")
    package var compressionCodec: String?
    @Option(name: .customLong("batch-size"), help: "Bytes of a batch.") package var batchSize = 16_384
    @Option(name: .customLong("max-partition-memory-bytes"), help: "The old name of --batch-size.")
    package var oldBatchSize: Int?
    @Option(
        name: .customLong("message-send-max-retries"),
        help: "Accepted; --timeout and delivery.timeout.ms limit retries.")
    package var retries: Int?
    @Option(name: .customLong("retry-backoff-ms"), help: "Accepted; waits grow by themselves.")
    package var retryBackoff: Int64?
    @Option(name: .customLong("timeout"), help: "How long a record waits for others to come into its batch, in ms.")
    package var linger: Int64 = 1_000
    @Option(name: .customLong("request-required-acks"), help: "-1 or all, 1, or 0.") package var acks = "-1"
    @Option(name: .customLong("request-timeout-ms"), help: "Time for a request to be answered.")
    package var requestTimeout: Int64 = 30_000
    @Option(name: .customLong("metadata-expiry-ms"), help: "Age after which the cluster is asked anew.")
    package var metadataExpiry: Int64 = 300_000
    @Option(name: .customLong("max-block-ms"), help: "Time to wait for the topic.") package var blockMax: Int64 = 60_000
    @Option(name: .customLong("max-memory-bytes"), help: "Bytes that may wait.") package var memoryMax = 33_554_432
    @Option(name: .customLong("socket-buffer-size"), help: "Accepted; the system chooses.") package var socketBuffer:
        Int?
    @Option(name: .customLong("line-reader"), help: "Accepted; there is one.") package var lineReader: String?
    @Option(name: [.customLong("reader-property"), .customLong("property")], help: "How lines are read: key=value.")
    package var readerProperties: [String] = []
    @Option(name: .customLong("reader-config"), help: "A file of reader properties.") package var readerConfig: String?
    @Option(
        name: [.customLong("command-property"), .customLong("producer-property")],
        help: "A producer property: key=value.")
    package var commandProperties: [String] = []
    @Option(name: .customLong("producer.config"), help: "The old name of --command-config.")
    package var oldConfig: String?

    package init() {}

    package func run() async throws {
        guard connection.bootstrapServer != nil else { throw ToolFailure.missing("bootstrap-server") }
        guard let topic else { throw ToolFailure.missing("topic") }
        let reader = try lineFormat()
        let producer: Producer
        do { producer = try makeProducer() } catch let error as ClientError { throw ToolFailure(error.description) }
        let lines = InputLines()
        var number = 0
        var stop: ToolFailure?
        prompt()
        while let line = lines.next() {
            number += 1
            do throws(ToolFailure) {
                try await send(try reader.parse(line, number: number), to: topic, by: producer)
            } catch {
                stop = error
                break
            }
            prompt()
        }
        await producer.close()
        if let stop { throw stop }
    }

    private func prompt() { if Console.inputIsTerminal { Console.write(Array(">".utf8)) } }

    private func lineFormat() throws(ToolFailure) -> InputLine {
        var properties = ClientProperties()
        if let readerConfig { properties = try ClientProperties(file: readerConfig) }
        for property in readerProperties { try properties.set(property) }
        return try InputLine(properties)
    }

    private func makeProducer() throws -> Producer {
        var properties = ClientProperties()
        if let file = connection.commandConfig ?? oldConfig { properties = try ClientProperties(file: file) }
        for property in commandProperties { try properties.set(property) }
        var configuration = ClientConfiguration(
            bootstrapServers: connection.bootstrapServer ?? "", clientID: "console-producer")
        configuration.requestTimeoutMilliseconds = requestTimeout
        configuration.callTimeoutMilliseconds = blockMax
        configuration.metadataAgeMillisecondsMax = metadataExpiry
        try properties.apply(to: &configuration)
        return try Producer(configuration, try options(properties))
    }

    private func options(_ properties: ClientProperties) throws -> ProducerOptions {
        var options = ProducerOptions()
        let chosenAcks = properties.values["acks"] ?? acks
        guard let acks = Self.acksByText[chosenAcks] else {
            throw ToolFailure("acks \(chosenAcks): expected all, 1 or 0")
        }
        options.acks = acks
        options.isIdempotent = try properties.boolean("enable.idempotence") ?? (acks == .all)
        let codec = compressionCodec ?? properties.values["compression.type"] ?? "none"
        guard let compression = ProducerOptions.Compression(rawValue: codec) else {
            throw ToolFailure("Unknown compression type \(codec): expected none, gzip, snappy, lz4 or zstd")
        }
        options.compression = compression
        options.batchBytesMax = oldBatchSize ?? batchSize
        options.lingerMilliseconds = try properties.integer("linger.ms") ?? linger
        options.bufferBytesMax = memoryMax
        options.deliveryMillisecondsMax = try properties.integer("delivery.timeout.ms") ?? 120_000
        return options
    }

    private static let acksByText: [String: ProducerOptions.Acks] = [
        "all": .all, "-1": .all, "1": .leader, "0": .noAnswer,
    ]

    private func send(_ parts: InputLine.Parts, to topic: String, by producer: Producer) async throws(ToolFailure) {
        var record = ProducerRecord(topic: topic, key: parts.key, value: parts.value)
        record.headers = parts.headers.map { ($0.key, $0.value) }
        let keyText = parts.key.map { "\($0.count) bytes" } ?? "null"
        let valueText = parts.value.map { "\($0.count) bytes" } ?? "null"
        let complain: @Sendable (ClientError) -> Void = { error in
            Console.complain(
                "Error when sending message to topic \(topic) with key: \(keyText), value: \(valueText) with error: "
                    + "\(error)")
        }
        do throws(ClientError) {
            if isSynchronous {
                _ = try await producer.send(record)
            } else {
                try await producer.enqueue(record) { if case .failure(let error) = $0 { complain(error) } }
            }
        } catch {
            guard error.kind != .broker else { return complain(error) }
            throw ToolFailure("Error when sending message to topic \(topic): \(error)")
        }
    }
}
