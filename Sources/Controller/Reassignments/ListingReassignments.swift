import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// The reassignments that are underway: all, or those of the named partitions. What is unknown, or not being
    /// reassigned, is left out.
    package func listPartitionReassignments(
        _ request: ListPartitionReassignmentsRequest
    ) -> ListPartitionReassignmentsResponse {
        var response = ListPartitionReassignmentsResponse()
        response.errorMessage = nil
        if let asked = request.topics {
            response.topics = asked.compactMap { ask in
                image.topics[name: ask.name].flatMap { ClusterController.ongoing(in: $0, ask.partitionIndexes) }
            }
        } else {
            response.topics = image.topics.sortedByName.compactMap { topic in
                ClusterController.ongoing(in: topic, topic.partitions.indices.map { PartitionIndex(Int32($0)) })
            }
        }
        return response
    }

    private static func ongoing(
        in topic: TopicImage, _ indexes: [PartitionIndex]
    ) -> ListPartitionReassignmentsResponse.OngoingTopicReassignment? {
        var answer = ListPartitionReassignmentsResponse.OngoingTopicReassignment()
        answer.name = topic.name
        for index in indexes {
            guard let partition = topic[index], ReplicaAssignment(partition).isUnderway else { continue }
            var ongoing = ListPartitionReassignmentsResponse.OngoingPartitionReassignment()
            ongoing.partitionIndex = index
            ongoing.replicas = partition.replicas
            ongoing.addingReplicas = partition.addingReplicas
            ongoing.removingReplicas = partition.removingReplicas
            answer.partitions.append(ongoing)
        }
        return answer.partitions.isEmpty ? nil : answer
    }
}
