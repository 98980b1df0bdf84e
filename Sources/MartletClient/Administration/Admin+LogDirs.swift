package import ClientCore
package import Primitives
package import WireMessages

extension Admin {
    /// The log directories of one broker with the replicas in them; nil stands for all topics.
    package func logDirs(
        of broker: BrokerID, topics: [TopicPartition]? = nil
    ) async throws(ClientError) -> [DescribeLogDirsResponse.DescribeLogDirsResult] {
        var request = DescribeLogDirsRequest()
        request.topics = topics.map { places in
            Set(places.map(\.topic)).sorted().map { name in
                var topic = DescribeLogDirsRequest.DescribableLogDirTopic()
                topic.topic = name
                topic.partitions = places.filter { $0.topic == name }.map(\.partition)
                return topic
            }
        }
        if cluster.view.brokers[broker] == nil { try await cluster.refresh(topics: []) }
        let response = try await cluster.send(request, to: .broker(broker))
        guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
        return response.results.sorted { $0.logDir < $1.logDir }
    }

    /// Has a broker move replicas of its own to other log directories.
    ///
    /// - Returns: the error of each replica.
    package func moveReplicas(
        on broker: BrokerID, _ moves: [TopicPartition: String]
    ) async throws(ClientError) -> [TopicPartition: ErrorCode] {
        var request = AlterReplicaLogDirsRequest()
        request.dirs = Set(moves.values).sorted().map { path in
            var directory = AlterReplicaLogDirsRequest.AlterReplicaLogDir()
            directory.path = path
            let places = moves.filter { $0.value == path }.map(\.key).sorted()
            directory.topics = Set(places.map(\.topic)).sorted().map { name in
                var topic = AlterReplicaLogDirsRequest.AlterReplicaLogDirTopic()
                topic.name = name
                topic.partitions = places.filter { $0.topic == name }.map(\.partition)
                return topic
            }
            return directory
        }
        if cluster.view.brokers[broker] == nil { try await cluster.refresh(topics: []) }
        let response = try await cluster.send(request, to: .broker(broker))
        var errors: [TopicPartition: ErrorCode] = [:]
        for topic in response.results {
            for partition in topic.partitions {
                errors[TopicPartition(topic.topicName, partition.partitionIndex)] = partition.errorCode
            }
        }
        return errors
    }
}
