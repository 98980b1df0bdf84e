import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Adds partitions to topics, each topic by itself.
    ///
    /// - Errors for each topic: UNKNOWN_TOPIC_OR_PARTITION; INVALID_PARTITIONS; INVALID_REPLICA_ASSIGNMENT;
    ///   INVALID_REQUEST for a name given twice.
    package func createPartitions(_ request: CreatePartitionsRequest) -> Decision<CreatePartitionsResponse> {
        var response = CreatePartitionsResponse()
        var records: [MetadataRecord] = []
        var counts: [String: Int] = [:]
        for topic in request.topics { counts[topic.name, default: 0] += 1 }
        var answered: Set<String> = []
        for topic in request.topics where answered.insert(topic.name).inserted {
            var result = CreatePartitionsResponse.CreatePartitionsTopicResult()
            result.name = topic.name
            do throws(Refusal) {
                if counts[topic.name]! > 1 { throw Refusal(.invalidRequest, "Duplicate topic name.") }
                records += try newPartitionRecords(topic)
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            response.results.append(result)
        }
        return Decision(request.validateOnly ? [] : records, reply: response)
    }

    private func newPartitionRecords(
        _ request: CreatePartitionsRequest.CreatePartitionsTopic
    ) throws(Refusal) -> [MetadataRecord] {
        guard let topic = image.topics[name: request.name] else {
            throw Refusal(.unknownTopicOrPartition, "This server does not host this topic-partition.")
        }
        let present = topic.partitions.count
        let wanted = Int(request.count)
        if wanted == present {
            throw Refusal(.invalidPartitions, "Topic already has \(present) partition(s).")
        }
        guard wanted > present else {
            throw Refusal(
                .invalidPartitions,
                "The topic \(topic.name) currently has \(present) partition(s); \(wanted) would not be an increase.")
        }
        let added = wanted - present
        guard added <= ClusterController.newPartitionsMax else {
            throw Refusal(.invalidPartitions, "At most \(ClusterController.newPartitionsMax) partitions at once.")
        }
        let factor = topic.partitions[0].replicas.count
        let assignments: [[BrokerID]]
        if let manual = request.assignments {
            guard manual.count == added else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "Attempted to add \(added) additional partition(s), but only \(manual.count) assignment(s) were "
                        + "specified.")
            }
            for assignment in manual { try checkManualAssignment(assignment.brokerIDs, replicationFactor: factor) }
            assignments = manual.map(\.brokerIDs)
        } else {
            assignments = try placement.replicas(partitions: added, replicationFactor: factor, start: present)
        }
        var records: [MetadataRecord] = []
        for (position, replicas) in assignments.enumerated() {
            let partition = try newPartition(on: replicas)
            let index = PartitionIndex(Int32(present + position))
            records.append(.partition(partition.record(topic: topic.id, index: index)))
        }
        return records
    }
}
