import ClientCore
import MartletClient
import Primitives
import WireMessages

/// Gathers what `topics --describe` shows, from the APIs that the broker has.
struct TopicSource {
    let admin: Admin

    /// The topics in the given order with their effective `min.insync.replicas`.
    func describe(_ names: [String]) async throws(ClientError) -> [(description: TopicDescription, minInSync: Int)] {
        let configs = try await configs(names)
        return try await partitions(names).map { topic in
            let own = configs[topic.name] ?? []
            let minInSync = own.first { $0.name == "min.insync.replicas" }.flatMap { Int($0.value ?? "") } ?? 1
            let shown = own.filter { !$0.isDefault && !$0.isSensitive }.map { "\($0.name)=\($0.value ?? "")" }.sorted()
            let description = TopicDescription(
                name: topic.name, id: topic.id, partitions: topic.partitions, configs: shown)
            return (description, minInSync)
        }
    }

    private func configs(_ names: [String]) async throws(ClientError) -> [String: [TopicConfig]] {
        do throws(ClientError) { return try await admin.topicConfigs(names) } catch {
            guard error.kind == .unsupported else { throw error }
            return [:]
        }
    }

    private func partitions(_ names: [String]) async throws(ClientError) -> [TopicDescription] {
        do throws(ClientError) {
            let found = try await admin.describeTopics(names)
            for topic in found where topic.errorCode != .noError { throw ClientError(code: topic.errorCode) }
            return found.map { topic in
                TopicDescription(
                    name: topic.name ?? "", id: topic.topicID,
                    partitions: topic.partitions.map(TopicSource.partition), configs: [])
            }
        } catch {
            guard error.kind == .unsupported else { throw error }
            let view = admin.cluster.view
            return names.compactMap { name in
                view.topics[name].map { topic in
                    TopicDescription(
                        name: name, id: topic.id, partitions: topic.partitions.map(TopicSource.partition), configs: [])
                }
            }
        }
    }

    private static func partition(
        _ found: DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition
    ) -> TopicDescription.Partition {
        TopicDescription.Partition(
            index: found.partitionIndex.value, leader: found.leaderID.value >= 0 ? found.leaderID : nil,
            replicas: found.replicaNodes, inSync: found.isrNodes, eligible: found.eligibleLeaderReplicas ?? [],
            lastKnownEligible: found.lastKnownElr ?? [])
    }

    private static func partition(_ found: ClusterView.Partition) -> TopicDescription.Partition {
        TopicDescription.Partition(
            index: found.index.value, leader: found.leader, replicas: found.replicas, inSync: found.inSyncReplicas)
    }
}
