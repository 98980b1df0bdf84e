package import ClientCore
package import Primitives
import WireMessages

extension Admin {
    /// Starts moves; a partition without target replicas has its move cancelled.
    ///
    /// - Parameter allowsFactorChange: false refuses targets with another number of replicas.
    /// - Returns: why partitions were refused; empty where all were taken.
    package func reassign(
        _ targets: [TopicPartition: [BrokerID]?], allowsFactorChange: Bool = true
    ) async throws(ClientError) -> [TopicPartition: ClientError] {
        var request = AlterPartitionReassignmentsRequest()
        request.timeoutMilliseconds = Int32(clamping: cluster.configuration.requestTimeoutMilliseconds)
        request.allowReplicationFactorChange = allowsFactorChange
        request.topics = Set(targets.keys.map(\.topic)).sorted().map { name in
            var topic = AlterPartitionReassignmentsRequest.ReassignableTopic()
            topic.name = name
            topic.partitions = targets.filter { $0.key.topic == name }.sorted { $0.key < $1.key }.map { place, target in
                var partition = AlterPartitionReassignmentsRequest.ReassignablePartition()
                partition.partitionIndex = place.partition
                partition.replicas = target
                return partition
            }
            return topic
        }
        let asked = request
        return try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.sendToAdministration(asked)
            guard response.errorCode == .noError else {
                throw ClientError(code: response.errorCode, message: response.errorMessage)
            }
            var refused: [TopicPartition: ClientError] = [:]
            for topic in response.responses {
                for partition in topic.partitions where partition.errorCode != .noError {
                    refused[TopicPartition(topic.name, partition.partitionIndex)] = ClientError(
                        code: partition.errorCode, message: partition.errorMessage)
                }
            }
            return refused
        }
    }
}
