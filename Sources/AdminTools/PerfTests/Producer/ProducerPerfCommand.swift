package import ArgumentParser
import MartletClient
import Synchronization
import World

/// `martlet producer-perf-test`, `kafka-producer-perf-test`: produces messages and tells how fast that went.
package struct ProducerPerfCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "producer-perf-test", abstract: "Produce messages and tell how fast that went.")

    package static var table: OptionTable { ProducerPerfOptions.table }

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        let options = try ProducerPerfOptions(given)
        var payloads = try ProducerPerfOptions.payloads(given)
        var configuration = ClientConfiguration(bootstrapServers: options.servers, clientID: "perf-producer-client")
        try options.properties.apply(to: &configuration)
        if let wait = try options.properties.integer("max.block.ms", atLeast: 0) {
            configuration.callTimeoutMilliseconds = wait
        }
        var producer: PerfProducer
        do { producer = try await PerfProducer(options, configuration) } catch let error as ClientError {
            throw ToolFailure(error.description)
        }
        if options.warmUp > 0 {
            print(
                "Warmup first \(options.warmUp) records. Steady state results will print after the complete test "
                    + "summary.")
        }
        Interruption.watch()
        let tally = ProducerPerfTally(options)
        do throws(ClientError) {
            try await send(options, &payloads, by: &producer, tally)
            try await producer.finish()
        } catch {
            await producer.close()
            throw ToolFailure("\(error)")
        }
        await producer.close()
        for line in tally.totals() { print(line) }
        if given.has(ProducerPerfOptions.printsMetrics) { for line in tally.metrics() { print(line) } }
        if tally.failedCount > 0 { throw ToolFailure("\(tally.failedCount) records were not sent") }
    }

    private func send(
        _ options: ProducerPerfOptions, _ payloads: inout Payloads, by producer: inout PerfProducer,
        _ tally: ProducerPerfTally
    ) async throws(ClientError) {
        for number in 0..<options.records where !Interruption.isWanted {
            let value = payloads.next(number)
            if number == options.warmUp, options.warmUp > 0 { tally.beginSteadyState() }
            try await producer.send(ProducerRecord(topic: options.topic, value: value), tally, bytes: value.count)
            guard let limit = options.recordsPerSecond else { continue }
            let due = tally.startedAt + Int64(Double(number + 1) / limit * 1_000)
            let wait = due - tally.now
            if wait > 0 { await tally.sleep(milliseconds: wait) }
        }
    }
}
