package import ArgumentParser
import Glibc

/// Runs one command line to its exit code: Kafka's codes and streams, whatever the parser's own habits are.
package enum ToolRunner {
    /// Parses `arguments` with `root` and runs what they name. Code 0 for success, 1 for everything else.
    package static func run(_ arguments: [String], root: any ParsableCommand.Type) async -> Int32 {
        if arguments.count == 2, arguments[1] == "--version" {
            print(kafkaVersion)
            flush()
            return 0
        }
        if let tool = root.configuration.subcommands.first(where: { $0.configuration.commandName == arguments.first }),
            let kafkaTool = tool as? any KafkaTool.Type
        {
            return await run(kafkaTool, Array(arguments.dropFirst()))
        }
        var command: any ParsableCommand
        do { command = try parse(arguments, root) } catch { return explain(error, root) }
        do {
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
            flush()
            return 0
        } catch let failure as ToolFailure {
            return explain(failure, usage: type(of: command).helpMessage(columns: 120))
        } catch { return explain(error, root) }
    }

    private static func run(_ tool: any KafkaTool.Type, _ words: [String]) async -> Int32 {
        do {
            try await tool.run(words)
            flush()
            return 0
        } catch let failure as ToolFailure {
            return explain(failure, usage: tool.table.usage)
        } catch { return explain(ToolFailure("\(error)"), usage: tool.table.usage) }
    }

    /// What Kafka's tools answer to `--version`: the release whose habits they have.
    static let kafkaVersion = "4.3.0 (Commit:martlet)"

    /// Options may be shortened as far as they stay distinct; that is tried only where the parser knows none so named.
    private static func parse(
        _ arguments: [String], _ root: any ParsableCommand.Type
    ) throws -> any ParsableCommand {
        do { return try root.parseAsRoot(arguments) } catch {
            let tool = root.configuration.subcommands.first { $0.configuration.commandName == arguments.first }
            guard let tool, root.exitCode(for: error) != .success else { throw error }
            let options = tool.helpMessage(columns: 200).split { " ,\n".contains($0) }.map(String.init)
            let written = KafkaArguments.unshortened(arguments, known: options.filter { $0.hasPrefix("--") })
            guard written != arguments else { throw error }
            return try root.parseAsRoot(written)
        }
    }

    private static func explain(_ failure: ToolFailure, usage: @autoclosure () -> String) -> Int32 {
        switch failure.stream {
        case _ where failure.description.isEmpty: break
        case .output: print(failure)
        case .error: Console.complain(failure.description)
        }
        flush()
        if failure.showsOptions { Console.complain(usage()) }
        return failure.exitCode
    }

    private static func explain(_ error: any Error, _ root: any ParsableCommand.Type) -> Int32 {
        let code = root.exitCode(for: error)
        let message = root.fullMessage(for: error, columns: 120)
        if code == .success {
            if !message.isEmpty { print(message) }
            flush()
            return 0
        }
        flush()
        if !message.isEmpty { Console.complain(message) }
        return 1
    }

    /// Hands what was printed to the system before the process ends.
    private static func flush() { fflush(nil) }
}
