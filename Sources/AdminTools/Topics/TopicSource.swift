import ClientCore
import MartletClient
import Primitives
import WireMessages

/// Gathers what `topics --describe` shows, from the APIs that the broker has.
struct TopicSource {
    /// A topic with its effective `min.insync.replicas`.
    struct Found {
        var description: TopicDescription
        var minInSync: Int
    }

    let admin: Admin
    var partitionsInPage: Int32 = Admin.partitionsInPageMax

    /// The topics in the given order.
    func describe(_ names: [String]) async throws(ClientError) -> [Found] {
        guard !names.isEmpty else { return [] }
        let configs =
            try await unlessUnsupported { () throws(ClientError) in try await admin.topicConfigs(names) } ?? [:]
        let described = try await partitions(names)
        let reassignments = try await reassignments(of: described)
        return described.map { topic in
            let own = configs[topic.name] ?? []
            var topic = topic
            topic.configs =
                own.filter { !$0.isDefault && !$0.isSensitive }.map { "\($0.name)=\($0.value ?? "")" }.sorted()
            for index in topic.partitions.indices {
                let place = TopicPartition(topic.name, PartitionIndex(topic.partitions[index].index))
                topic.partitions[index].reassignment = reassignments[place]
            }
            let minInSync = own.first { $0.name == "min.insync.replicas" }.flatMap { Int($0.value ?? "") } ?? 1
            return Found(description: topic, minInSync: minInSync)
        }
    }

    private func reassignments(
        of topics: [TopicDescription]
    ) async throws(ClientError) -> [TopicPartition: TopicDescription.Reassignment] {
        let places = topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic.name, PartitionIndex($0.index)) }
        }
        do throws(ClientError) {
            return try await admin.reassignments(of: places).mapValues {
                TopicDescription.Reassignment(adding: $0.addingReplicas, removing: $0.removingReplicas)
            }
        } catch {
            // They are an extra: an old cluster, or one that forbids the question, is described without them.
            guard error.kind == .unsupported || error.code == .clusterAuthorizationFailed else { throw error }
            return [:]
        }
    }

    private func unlessUnsupported<Value>(
        _ work: () async throws(ClientError) -> Value
    ) async throws(ClientError) -> Value? {
        do throws(ClientError) { return try await work() } catch {
            guard error.kind == .unsupported else { throw error }
            return nil
        }
    }

    private func partitions(_ names: [String]) async throws(ClientError) -> [TopicDescription] {
        do throws(ClientError) {
            let found = try await admin.describeTopics(names, partitionsInPage: partitionsInPage)
            for topic in found where topic.errorCode != .noError { throw ClientError(code: topic.errorCode) }
            return found.map { topic in
                TopicDescription(
                    name: topic.name ?? "", id: topic.topicID,
                    partitions: topic.partitions.map(TopicSource.partition).sorted { $0.index < $1.index }, configs: [])
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
