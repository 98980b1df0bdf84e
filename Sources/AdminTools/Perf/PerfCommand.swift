package import ArgumentParser

/// `martlet perf`: measures a cluster, and prints one line for each run that a program can read.
package struct PerfCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "perf", abstract: "Measure throughput, latency, failover and start of a cluster.",
        subcommands: [
            PerfProduceCommand.self, PerfConsumeCommand.self, PerfLatencyCommand.self, PerfFailoverCommand.self,
            PerfColdStartCommand.self, PerfTransactionsCommand.self, PerfReadCommittedCommand.self,
            PerfGroupsCommand.self,
        ])

    package init() {}
}
