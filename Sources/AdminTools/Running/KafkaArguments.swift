/// Kafka's ways of calling its tools, turned into ours: names of programs, shortened options.
package enum KafkaArguments {
    /// Kafka's name of a program, without `.sh`, and the subcommand of `martlet` that it is.
    package static let programs: [String: String] = [
        "kafka-topics": "topics", "kafka-console-producer": "console-producer",
        "kafka-console-consumer": "console-consumer", "kafka-consumer-groups": "consumer-groups",
        "kafka-metadata-quorum": "metadata-quorum", "kafka-storage": "storage", "kafka-dump-log": "dump-log",
        "kafka-server-start": "server", "kafka-get-offsets": "get-offsets", "kafka-delete-records": "delete-records",
        "kafka-producer-perf-test": "producer-perf-test", "kafka-consumer-perf-test": "consumer-perf-test",
        "kafka-e2e-latency": "e2e-latency", "kafka-groups": "groups",
        "kafka-reassign-partitions": "reassign-partitions", "kafka-leader-election": "leader-election",
        "kafka-configs": "configs", "kafka-broker-api-versions": "broker-api-versions",
        "kafka-log-dirs": "log-dirs", "kafka-cluster": "kafka-cluster",
        "kafka-features": "features", "kafka-transactions": "transactions",
    ]

    /// The arguments behind the program's name, with the subcommand in front where the program has one of Kafka's
    /// names.
    package static func arguments(of commandLine: [String]) -> [String] {
        guard let program = commandLine.first else { return [] }
        var name = program.split(separator: "/").last.map(String.init) ?? program
        if name.hasSuffix(".sh") { name.removeLast(3) }
        let rest = Array(commandLine.dropFirst())
        let arguments = programs[name].map { [$0] + rest } ?? rest
        // `cluster` runs clusters of one's own; Kafka's tool of this name asks any cluster.
        guard arguments.count > 1, arguments[0] == "cluster", clusterQuestions.contains(arguments[1]) else {
            return arguments
        }
        return ["kafka-cluster"] + arguments.dropFirst()
    }

    /// The subcommands of Kafka's cluster tool, which `cluster` takes, too.
    private static let clusterQuestions: Set<String> = ["cluster-id", "unregister", "list-endpoints"]

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
