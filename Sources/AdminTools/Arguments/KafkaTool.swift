package import ArgumentParser

/// A tool whose command line follows Kafka's own rules instead of those of the rest of the program.
package protocol KafkaTool: AsyncParsableCommand {
    static var table: OptionTable { get }

    /// The command line with options in place of an older form that has none; most tools have no such form.
    static func modernised(_ words: [String]) -> [String]

    /// Does the work.
    ///
    /// - Errors: `ToolFailure` for everything that a user is to be told.
    func run(_ given: GivenOptions) async throws
}

extension KafkaTool {
    package static func modernised(_ words: [String]) -> [String] { words }

    package func run() async throws {
        throw ToolFailure.usage(Self.table.purpose)
    }

    /// Reads the command line and does the work.
    static func run(_ words: [String]) async throws {
        let given = try table.parse(modernised(words))
        if given.isEmpty { throw table.failure(table.purpose) }
        if given.has(.help) { return print(table.help) }
        if given.has(.version) { return print(ToolRunner.kafkaVersion) }
        for warning in given.warnings { Console.complain(warning) }
        for word in given.strayWords { Console.complain("Warning: '\(word)' belongs to no option and is ignored.") }
        try await Self().run(given)
    }
}
