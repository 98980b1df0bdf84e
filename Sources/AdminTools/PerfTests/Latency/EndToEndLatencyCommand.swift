package import ArgumentParser
import LiveWorld
import MartletClient
import Primitives
import World

/// `martlet e2e-latency`, `kafka-e2e-latency`: how long one message takes from the producer to a consumer.
package struct EndToEndLatencyCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "e2e-latency", abstract: "Tell how long a message takes from the producer to a consumer.")

    private static let topic = ToolOption("topic", .required("topic"), help: "REQUIRED: The topic to use.")
    private static let records = ToolOption(
        "num-records", .required("count"), help: "REQUIRED: The number of messages.")
    private static let acks = ToolOption(
        "producer-acks", .required("acks"), help: "REQUIRED: What the producer waits for: 1 or all.")
    private static let recordSize = ToolOption(
        "record-size", .required("bytes"), help: "REQUIRED: Bytes of a message.")

    package static let table = OptionTable(
        purpose: "This tool is used to verify end-to-end latency. (Or: BROKERS TOPIC MESSAGES ACKS BYTES [FILE])",
        [.bootstrapServer, .commandConfig, topic, records, acks, recordSize])

    /// How long one message may take.
    private static let timeoutMilliseconds: Int64 = 60_000
    private static let reportEvery = 1_000

    package init() {}

    /// `BROKERS TOPIC MESSAGES ACKS BYTES [FILE]`
    package static func modernised(_ words: [String]) -> [String] {
        guard (5...6).contains(words.count), words.allSatisfy({ !$0.hasPrefix("-") }) else { return words }
        let options = [ToolOption.bootstrapServer, topic, records, acks, recordSize, .commandConfig]
        return zip(options, words).flatMap { ["--\($0.name)", $1] }
    }

    package func run(_ given: GivenOptions) async throws {
        for option in [ToolOption.bootstrapServer, Self.topic, Self.records, Self.acks, Self.recordSize] {
            try given.need(option)
        }
        let topic = try given.needed(Self.topic)
        let count: Int = try given.number(Self.records) ?? 0
        let size: Int = try given.number(Self.recordSize) ?? 0
        let acks = try given.needed(Self.acks)
        guard acks == "1" || acks == "all" else {
            throw ToolFailure("Latency testing requires synchronous acknowledgement. Please use 1 or all")
        }
        guard count > 0, size > 0 else { throw ToolFailure("--num-records and --record-size must be greater than 0") }
        do {
            let configuration = try ToolClient.configuration(given, clientID: "e2e-latency")
            try await makeTopic(topic, configuration)
            var options = ProducerOptions()
            options.acks = acks == "1" ? .leader : .all
            options.isIdempotent = acks == "all"
            options.lingerMilliseconds = 0
            let producer = try Producer(configuration, options)
            let consumer = try Consumer(configuration, topics: [topic])
            try await consumer.awaitPositions(timeoutMilliseconds: Self.timeoutMilliseconds)
            let nanoseconds = try await measure(producer, consumer, topic, count: count, size: size)
            for line in Self.summary(nanoseconds) { print(line) }
            await consumer.close()
            await producer.close()
        } catch let error as ClientError { throw ToolFailure("\(error)") }
    }

    private func makeTopic(_ topic: String, _ configuration: ClientConfiguration) async throws(ClientError) {
        let admin = try Admin(configuration)
        defer { admin.close() }
        guard !(try await admin.topicNames()).contains(topic) else { return }
        print("Topic \"\(topic)\" does not exist. Will create topic with 1 partition(s) and replication factor = 1")
        try await admin.createTopic(topic, partitions: 1, replicationFactor: 1)
    }

    private func measure(
        _ producer: Producer, _ consumer: Consumer, _ topic: String, count: Int, size: Int
    ) async throws -> [Int64] {
        var payloads = Payloads.random(count: size)
        var taken: [Int64] = []
        let clock = ContinuousClock()
        for number in 0..<count {
            let value = payloads.next(Int64(number))
            let start = clock.now
            _ = try await producer.send(ProducerRecord(topic: topic, value: value))
            guard let record = try await consumer.next(timeoutMilliseconds: Self.timeoutMilliseconds) else {
                throw ToolFailure("poll() timed out before finding a result (timeout:[\(Self.timeoutMilliseconds)ms])")
            }
            let elapsed = start.duration(to: clock.now)
            guard record.value == value else {
                throw ToolFailure(
                    "The message read did not match the message sent: does somebody else write to \(topic)?")
            }
            let nanoseconds =
                elapsed.components.seconds * 1_000_000_000 + elapsed.components.attoseconds / 1_000_000_000
            taken.append(nanoseconds)
            if number % Self.reportEvery == 0 {
                print("\(number)\t\(Decimals.text(Double(nanoseconds) / 1e6, digits: 4))")
            }
        }
        return taken
    }

    /// The lines at the end.
    package static func summary(_ nanoseconds: [Int64]) -> [String] {
        let average = Double(nanoseconds.reduce(0, +)) / Double(nanoseconds.count) / 1e6
        let sorted = nanoseconds.map { $0 / 1_000_000 }.sorted()
        let percentiles = [0.5, 0.99, 0.999].map { sorted[min(Int($0 * Double(sorted.count)), sorted.count - 1)] }
        return [
            "Avg latency: \(Decimals.text(average, digits: 4)) ms",
            "Percentiles: 50th = \(percentiles[0]), 99th = \(percentiles[1]), 99.9th = \(percentiles[2])",
        ]
    }
}
