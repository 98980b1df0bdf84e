import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import World

/// `martlet perf cold-start`: from starting the nodes to the first acks=all acknowledgement on a new topic.
struct PerfColdStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cold-start", abstract: "Start a cluster, and tell how long until it takes writes.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var topic: PerfTopic
    @Option(help: "How to start the nodes: a shell command; it need not wait for them.")
    var start: String

    /// The longest wait.
    private static let patienceMilliseconds: Int64 = 60_000
    private static let retryMilliseconds: Int64 = 2

    func run() async throws {
        var configuration = try connection.configuration(clientID: "martlet-perf")
        configuration.bootstrapTimeoutMilliseconds = 0
        configuration.callTimeoutMilliseconds = 0
        let cluster = try ClusterClient(configuration)
        let clock = cluster.runtime.clock
        let begin = clock.now
        let limit = begin.advanced(byMilliseconds: PerfColdStartCommand.patienceMilliseconds)
        try ShellCommand(text: start).start()
        let made = try await makeTopic(cluster, before: limit)
        let probe = PerfProbe(
            cluster, place: TopicPartition(topic.name, PartitionIndex(0)))
        let acknowledged = try await probe.produceUntilAcknowledged(before: limit)
        var line = PerfLine(run: "cold-start")
        line.number("topic_made_ms", Double(made.value - begin.value) / 1e6)
        line.number("first_ack_ms", Double(acknowledged.value - begin.value) / 1e6)
        print(line.line)
    }

    private func makeTopic(_ cluster: ClusterClient, before limit: MonotonicInstant) async throws -> MonotonicInstant {
        let admin = Admin(cluster)
        while true {
            do throws(ClientError) {
                try await admin.createTopic(
                    topic.name, partitions: topic.partitions, replicationFactor: topic.replicationFactor)
                return cluster.runtime.clock.now
            } catch {
                if error.code == .topicAlreadyExists { return cluster.runtime.clock.now }
                guard cluster.runtime.clock.now < limit else { throw error }
            }
            await cluster.runtime.sleep(milliseconds: PerfColdStartCommand.retryMilliseconds)
        }
    }
}
