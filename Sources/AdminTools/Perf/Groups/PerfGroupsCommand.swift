import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import World

/// `martlet perf groups`: groups of the consumer protocol whose members do nothing but live: what their heartbeats
/// cost, and how long a group takes to be stable after some leave.
struct PerfGroupsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups", abstract: "Keep members of groups alive, and let some leave.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var topic: PerfTopic
    @Option(help: "Groups.") var groups = 1_000
    @Option(help: "Members of each group.") var members = 10
    @Option(help: "Connections to each broker that the members share.") var connections = 50
    @Option(help: "Seconds of nothing but heartbeats to measure.") var seconds = 20
    @Option(help: "Members of each group that leave at last.") var leave = 0

    func run() async throws {
        guard groups > 0, members > 0, (0..<members).contains(leave) else {
            throw ToolFailure("--groups and --members must be greater than 0, and some members must stay")
        }
        let cluster = try ClusterClient(try connection.configuration(clientID: "martlet-perf"))
        try await topic.prepare(cluster)
        guard let known = cluster.view.topics[topic.name] else { throw ToolFailure("Topic \(topic.name) is gone") }
        let (clock, usage) = (cluster.runtime.clock, topic.usage)
        var start = clock.now
        let watch = GroupWatch(groups: groups, partitions: known.partitions.count)
        let load = GroupLoad(
            clients: try await clients(), topic: topic.name, topicID: known.id, groups: groups, members: members,
            leaving: leave, watch: watch)
        let running = Task { try await load.run() }
        let partitions = known.partitions.count
        try await settle(cluster, watch, running, sharing: groups * min(members, partitions))
        report("joined", from: start, clock, nil, watch)
        (start, watch.heartbeats) = (clock.now, 0)
        let before = usage.eachProcessorSeconds
        await cluster.runtime.sleep(milliseconds: Int64(seconds) * 1_000)
        report("heartbeats", from: start, clock, zip(before, usage.eachProcessorSeconds).map { $1 - $0 }, watch)
        if leave > 0 {
            start = clock.now
            watch.leave(leave)
            try await settle(cluster, watch, running, sharing: groups * min(members - leave, partitions))
            report("left", from: start, clock, nil, watch)
        }
        watch.end()
        try await running.value
    }

    private func clients() async throws -> [ClusterClient] {
        var clients: [ClusterClient] = []
        for _ in 0..<max(connections, 1) {
            let client = try ClusterClient(try connection.configuration(clientID: "martlet-perf"))
            try await client.refresh(topics: [topic.name])
            clients.append(client)
        }
        return clients
    }

    /// Waits until the members of every group own all partitions, each one of them once, and all have their share.
    private func settle(
        _ cluster: ClusterClient, _ watch: GroupWatch, _ running: Task<Void, any Error>, sharing count: Int
    ) async throws {
        let end = cluster.runtime.clock.now.advanced(byMilliseconds: PerfGroupsCommand.settleMillisecondsMax)
        while !watch.areStable(sharing: count) {
            if let failure = watch.failure {
                running.cancel()
                throw failure
            }
            guard cluster.runtime.clock.now < end else { throw ToolFailure("The groups did not become stable in time") }
            await cluster.runtime.sleep(milliseconds: 20)
        }
    }

    private static let settleMillisecondsMax: Int64 = 300_000

    private func report(
        _ name: String, from start: MonotonicInstant, _ clock: any Clock, _ processor: [Double]?, _ watch: GroupWatch
    ) {
        let seconds = Double(clock.now.value - start.value) / 1e9
        var line = PerfLine(run: name)
        line.integer("groups", Int64(groups))
        line.integer("members", Int64(members))
        line.number("seconds", seconds)
        line.integer("heartbeats", Int64(watch.heartbeats))
        line.number("heartbeats_per_second", Double(watch.heartbeats) / seconds)
        for (number, used) in (processor ?? []).enumerated() {
            line.number("broker_\(number + 1)_cores", used / seconds)
        }
        line.integers("broker_rss_mib", topic.usage.residentMebibytes)
        line.latencies(Percentiles(watch.takeLatencies()))
        print(line.line)
    }
}
