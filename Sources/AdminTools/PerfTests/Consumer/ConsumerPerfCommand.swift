package import ArgumentParser
import MartletClient
import Primitives
import World

/// `martlet consumer-perf-test`, `kafka-consumer-perf-test`: consumes messages and tells how fast that went.
package struct ConsumerPerfCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "consumer-perf-test", abstract: "Consume messages and tell how fast that went.")

    package static var table: OptionTable { ConsumerPerfOptions.table }

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        let options = try ConsumerPerfOptions(given)
        do {
            let consumer = try options.makeConsumer()
            if !given.has(ConsumerPerfOptions.hidesHeader) {
                print(ConsumptionReport.header(isDetailed: options.showsDetails))
            }
            Interruption.watch()
            var report = ConsumptionReport(options)
            try await report.run(consumer)
            if report.recordCount < options.records {
                print(
                    "WARNING: Exiting before consuming the expected number of messages: timeout "
                        + "(\(options.timeoutMilliseconds) ms) exceeded. You can use the --timeout option to increase "
                        + "the timeout.")
            }
            await consumer.close()
            if !options.showsDetails { print(report.total) }
            if given.has(ConsumerPerfOptions.printsMetrics) { for line in report.metrics { print(line) } }
        } catch let error as ClientError { throw ToolFailure("\(error)") }
    }
}
