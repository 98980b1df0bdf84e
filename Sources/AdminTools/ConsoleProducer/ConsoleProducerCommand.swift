package import ArgumentParser
import MartletClient
import Synchronization

/// `martlet console-producer`, `kafka-console-producer`: writes the lines of standard input as records.
package struct ConsoleProducerCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "console-producer", abstract: "Write the lines of standard input to a topic.")

    package static var table: OptionTable { ConsoleProducerOptions.table }

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        try given.need(.bootstrapServer)
        let topic = try given.needed(ConsoleProducerOptions.topic)
        let format = try lineFormat(given)
        let producer: Producer
        do { producer = try makeProducer(given) } catch let error as ClientError {
            throw ToolFailure(error.description)
        }
        Interruption.watch()
        let stop = await send(to: topic, format, by: producer, waits: given.has(ConsoleProducerOptions.sync))
        await producer.close()
        if let stop { throw stop }
    }

    /// Sends line by line until the input ends; returns what stopped it before.
    private func send(
        to topic: String, _ format: InputLine, by producer: Producer, waits: Bool
    ) async -> ToolFailure? {
        let lines = InputLines()
        var number = 0
        prompt()
        while let line = lines.next() {
            number += 1
            do throws(ToolFailure) {
                try await send(try format.parse(line, number: number), to: topic, by: producer, waits: waits)
            } catch { return error }
            prompt()
        }
        return nil
    }

    private func prompt() { if Console.inputIsTerminal { Console.write(Array(">".utf8)) } }

    private func lineFormat(_ given: GivenOptions) throws(ToolFailure) -> InputLine {
        if let name = try given.text(ConsoleProducerOptions.lineReader), !name.hasSuffix("LineMessageReader") {
            throw ToolFailure("--line-reader \(name): only LineMessageReader is built in")
        }
        return try InputLine(
            try ToolClient.properties(
                given, file: ConsoleProducerOptions.readerConfig, lines: ConsoleProducerOptions.readerProperty))
    }

    private func makeProducer(_ given: GivenOptions) throws -> Producer {
        let properties = try ConsoleProducerOptions.properties(given)
        try ProducerProperties.refuseTransactions(properties, tool: "console-producer")
        var configuration = try ToolClient.configuration(given, properties, clientID: "console-producer")
        if let wait = try properties.integer("max.block.ms", atLeast: 0) {
            configuration.callTimeoutMilliseconds = wait
        }
        return try Producer(configuration, try ProducerProperties.options(properties))
    }

    private func send(
        _ parts: InputLine.Parts, to topic: String, by producer: Producer, waits: Bool
    ) async throws(ToolFailure) {
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
            if waits {
                _ = try await producer.send(record)
            } else {
                try await producer.enqueue(record) { if case .failure(let error) = $0 { complain(error) } }
            }
        } catch {
            // With --sync Kafka's tool ends at the first message that is refused.
            if waits { throw ToolFailure("Error when sending message to topic \(topic): \(error)") }
            guard error.kind != .broker else { return complain(error) }
            throw ToolFailure("Error when sending message to topic \(topic): \(error)")
        }
    }
}
