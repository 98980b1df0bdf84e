package import ArgumentParser
import LiveWorld
import MartletClient

/// `martlet console-consumer`, `kafka-console-consumer`: prints the records of topics.
package struct ConsoleConsumerCommand: KafkaTool {
    package static let configuration = CommandConfiguration(
        commandName: "console-consumer", abstract: "Print the records of a topic.")

    package static var table: OptionTable { ConsoleConsumerOptions.table }

    package init() {}

    package func run(_ given: GivenOptions) async throws {
        try ConsoleConsumerOptions.check(given)
        let formatter = try FormatterChoice.formatter(given)
        Interruption.watch()
        do {
            let consumer = try ConsoleSubscription(given).makeConsumer()
            var reading = ConsoleReading(formatter, skipsErrors: given.has(ConsoleConsumerOptions.skipsErrors))
            reading.messagesMax = try given.number(ConsoleConsumerOptions.maxMessages)
            reading.timeoutMilliseconds = try given.number(ConsoleConsumerOptions.timeout)
            let failure = try await reading.run(consumer)
            await consumer.close()
            Console.complain("Processed a total of \(reading.count) messages")
            if given.has(ConsoleConsumerOptions.systemTests) { print("shutdown_complete") }
            if let failure { throw failure }
        } catch let error as ClientError {
            throw ToolFailure("Error processing message, terminating consumer process: \(error)")
        }
    }
}
