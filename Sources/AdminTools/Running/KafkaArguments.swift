/// Kafka's ways of calling its tools, turned into ours: names of programs, shortened options, values left out.
package enum KafkaArguments {
    /// Kafka's name of a program, without `.sh`, and the subcommand of `martlet` that it is.
    package static let programs: [String: String] = [
        "kafka-topics": "topics", "kafka-console-producer": "console-producer",
        "kafka-console-consumer": "console-consumer", "kafka-consumer-groups": "consumer-groups",
        "kafka-metadata-quorum": "metadata-quorum", "kafka-storage": "storage", "kafka-dump-log": "dump-log",
        "kafka-server-start": "server", "kafka-get-offsets": "get-offsets", "kafka-delete-records": "delete-records",
        "kafka-producer-perf-test": "producer-perf-test", "kafka-consumer-perf-test": "consumer-perf-test",
        "kafka-e2e-latency": "e2e-latency",
    ]

    /// Stands for every value of an option that may also name some.
    package static let all = "*"

    /// The values of options that may stand without one.
    private static let defaultValues: [String: [String: String]] = [
        "consumer-groups": ["--state": all, "--type": all]
    ]

    /// The arguments behind the program's name, with the subcommand in front where the program has one of Kafka's
    /// names.
    package static func arguments(of commandLine: [String]) -> [String] {
        guard let program = commandLine.first else { return [] }
        var name = program.split(separator: "/").last.map(String.init) ?? program
        if name.hasSuffix(".sh") { name.removeLast(3) }
        let rest = Array(commandLine.dropFirst())
        guard let subcommand = programs[name] else { return completed(rest) }
        return completed([subcommand] + rest)
    }

    /// The same arguments with a value behind each option that was given without one and has a default.
    package static func completed(_ arguments: [String]) -> [String] {
        guard let subcommand = arguments.first, let defaults = defaultValues[subcommand] else { return arguments }
        var completed: [String] = []
        for (index, argument) in arguments.enumerated() {
            completed.append(argument)
            guard let value = defaults[argument] else { continue }
            let next = index + 1 < arguments.count ? arguments[index + 1] : "--"
            if next.hasPrefix("--") { completed[completed.count - 1] = "\(argument)=\(value)" }
        }
        return completed
    }

    /// Writes shortened options out where only one of `known` (with dashes) begins so.
    package static func unshortened(_ arguments: [String], known: [String]) -> [String] {
        arguments.map { argument in
            guard argument.hasPrefix("--"), argument.count > 2 else { return argument }
            let name = String(argument.prefix { $0 != "=" })
            if known.contains(name) { return argument }
            let matching = known.filter { $0.hasPrefix(name) }
            guard matching.count == 1 else { return argument }
            return matching[0] + argument.dropFirst(name.count)
        }
    }
}
