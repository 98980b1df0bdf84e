import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import World

/// `martlet perf failover`: a steady stream of records; the leader is killed; how long until the next is acknowledged.
struct PerfFailoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover", abstract: "Kill the leader again and again, and tell how long each gap was.",
        discussion: "{node} in --kill and --start stands for the id of the node that led.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var topic: PerfTopic
    @Option(help: "How to kill a node: a shell command.") var kill = "martlet cluster kill {node}"
    @Option(help: "How to start it again: a shell command.") var start = "martlet cluster start {node}"
    @Option(help: "How often.") var rounds = 10
    @Option(name: .customLong("steady-milliseconds"), help: "How long the stream runs before each kill.")
    var steadyMilliseconds: Int64 = 1_000

    /// The longest gap, and the longest wait for a restarted node to be in sync.
    private static let patienceMilliseconds: Int64 = 60_000

    func run() async throws {
        var configuration = try connection.configuration(clientID: "martlet-perf")
        configuration.bootstrapTimeoutMilliseconds = 0
        let cluster = try ClusterClient(configuration)
        try await topic.prepare(cluster)
        let probe = PerfProbe(
            cluster, place: TopicPartition(topic.name, PartitionIndex(0)))
        var gaps: [Int64] = []
        for _ in 0..<rounds { gaps.append(try await round(cluster, probe)) }
        let percentiles = Percentiles(gaps)
        var line = PerfLine(run: "failover")
        line.integer("rounds", Int64(rounds))
        for (name, permille) in [("p50_ms", 500), ("p99_ms", 990)] {
            line.number(name, Double(percentiles.at(permille: permille)) / 1e6)
        }
        line.number("max_ms", Double(percentiles.greatest) / 1e6)
        line.integers("gaps_ms", gaps.map { Int($0 / 1_000_000) })
        print(line.line)
    }

    /// One kill; returns the gap in nanoseconds.
    private func round(_ cluster: ClusterClient, _ probe: PerfProbe) async throws -> Int64 {
        let clock = cluster.runtime.clock
        let steadyEnd = clock.now.advanced(byMilliseconds: steadyMilliseconds)
        var last = clock.now
        while clock.now < steadyEnd {
            last = try await probe.produceUntilAcknowledged(before: limit(clock))
            await cluster.runtime.sleep(milliseconds: 1)
        }
        guard let leader = probe.leader else { throw ToolFailure("The partition has no leader") }
        try ShellCommand(text: command(kill, leader)).run()
        let next = try await probe.produceUntilAcknowledged(before: limit(clock))
        try ShellCommand(text: command(start, leader)).run()
        try await topic.prepare(cluster)
        return next.value - last.value
    }

    private func limit(_ clock: any Clock) -> MonotonicInstant {
        clock.now.advanced(byMilliseconds: PerfFailoverCommand.patienceMilliseconds)
    }

    private func command(_ text: String, _ node: BrokerID) -> String {
        var rest = text[...]
        var made = ""
        while let brace = rest.firstIndex(of: "{") {
            made += rest[..<brace]
            rest = rest[brace...]
            if rest.hasPrefix("{node}") {
                made += "\(node)"
                rest = rest.dropFirst(6)
            } else {
                made += "{"
                rest = rest.dropFirst()
            }
        }
        return made + rest
    }
}
