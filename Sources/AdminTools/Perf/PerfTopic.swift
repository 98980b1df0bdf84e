package import ArgumentParser
import ClientCore
import MartletClient
import Primitives
import WireMessages
import World

/// The topic that a run works on, and the processes whose use of the machine is reported.
package struct PerfTopic: ParsableArguments {
    @Option(name: .customLong("topic"), help: "The topic; made where it is missing.")
    package var name = "martlet-perf"
    @Option(help: "Partitions of a new topic; each is a connection of its own.") package var partitions: Int32 = 1
    @Option(
        name: .customLong("replication-factor"), help: "Replicas of a new topic; the cluster's default if left out.")
    package var replicationFactor: Int16?
    @Option(name: .customLong("config"), help: "A config of a new topic, key=value; may be repeated.")
    package var configs: [String] = []
    @Option(name: .customLong("pids"), help: "The brokers' process ids, comma separated: their CPU time and memory.")
    package var processIDs: String?

    package init() {}

    var usage: ProcessUsage {
        ProcessUsage(processIDs: (processIDs ?? "").split(separator: ",").compactMap { Int32($0) })
    }

    /// The longest wait for a new topic to be led and in sync.
    private static let readyMillisecondsMax: Int64 = 30_000

    /// Makes the topic if it is missing, and waits until all its partitions are led, open and in sync.
    func prepare(_ cluster: ClusterClient) async throws {
        if try await cluster.refresh(topics: [name])[name] == .unknownTopicOrPartition {
            let pairs = configs.map { text in
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
            }
            try await Admin(cluster).createTopic(
                name, partitions: partitions, replicationFactor: replicationFactor, configs: pairs)
        }
        let end = cluster.runtime.clock.now.advanced(byMilliseconds: PerfTopic.readyMillisecondsMax)
        while cluster.runtime.clock.now < end {
            _ = try await cluster.refresh(topics: [name])
            if isReady(cluster.view), await areLeadersOpen(cluster) { return }
            await cluster.runtime.sleep(milliseconds: 20)
        }
        throw ToolFailure("Topic \(name) is not led and in sync on all replicas")
    }

    private func isReady(_ view: ClusterView) -> Bool {
        guard let topic = view.topics[name], !topic.partitions.isEmpty else { return false }
        return topic.partitions.allSatisfy { $0.leader != nil && $0.inSyncReplicas.count == $0.replicas.count }
    }

    /// Whether each leader answers for its partition: metadata may name a leader that has not opened its log yet.
    private func areLeadersOpen(_ cluster: ClusterClient) async -> Bool {
        for partition in cluster.view.topics[name]?.partitions ?? [] {
            guard let leader = partition.leader else { return false }
            var asked = ListOffsetsRequest.ListOffsetsPartition()
            asked.partitionIndex = partition.index
            asked.timestamp = PerfTopic.latestTimestamp
            var topic = ListOffsetsRequest.ListOffsetsTopic()
            topic.name = name
            topic.partitions = [asked]
            var request = ListOffsetsRequest()
            request.replicaID = BrokerID(-1)
            request.topics = [topic]
            guard let response = try? await cluster.send(request, to: .broker(leader)),
                response.topics.first?.partitions.first?.errorCode == .noError
            else { return false }
        }
        return true
    }

    /// The protocol's name for the log's end.
    private static let latestTimestamp: Int64 = -1

    /// Each partition with the address of its leader.
    func places(_ cluster: ClusterClient) throws -> [(place: TopicPartition, leader: Endpoint)] {
        let view = cluster.view
        return try (view.topics[name]?.partitions ?? []).map { partition in
            guard let leader = partition.leader, let endpoint = view.brokers[leader] else {
                throw ToolFailure("Partition \(partition.index) of \(name) has no leader")
            }
            return (TopicPartition(name, partition.index), endpoint)
        }
    }
}
