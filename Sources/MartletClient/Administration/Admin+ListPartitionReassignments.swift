package import ClientCore
import Primitives
package import WireMessages

extension Admin {
    /// The reassignments that are going on, by partition: all of them, or those of the given partitions.
    package func reassignments(
        of places: [TopicPartition]? = nil
    ) async throws(ClientError) -> [TopicPartition: ListPartitionReassignmentsResponse.OngoingPartitionReassignment] {
        var request = ListPartitionReassignmentsRequest()
        request.timeoutMilliseconds = Int32(cluster.configuration.requestTimeoutMilliseconds)
        if let places {
            let byTopic = Dictionary(grouping: places, by: \.topic).sorted { $0.key < $1.key }
            request.topics = byTopic.map { topic, places in
                var entry = ListPartitionReassignmentsRequest.ListPartitionReassignmentsTopics()
                entry.name = topic
                entry.partitionIndexes = places.map(\.partition).sorted()
                return entry
            }
        }
        let asked = request
        let response = try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.sendToAdministration(asked)
            guard response.errorCode == .noError else {
                throw ClientError(code: response.errorCode, message: response.errorMessage)
            }
            return response
        }
        var found: [TopicPartition: ListPartitionReassignmentsResponse.OngoingPartitionReassignment] = [:]
        for topic in response.topics {
            for partition in topic.partitions {
                found[TopicPartition(topic.name, partition.partitionIndex)] = partition
            }
        }
        return found
    }
}
