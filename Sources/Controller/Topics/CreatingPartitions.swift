import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Adds partitions to topics, each topic by itself.
    ///
    /// - Errors for each topic: UNKNOWN_TOPIC_OR_PARTITION; INVALID_PARTITIONS; INVALID_REPLICA_ASSIGNMENT;
    ///   INVALID_REPLICATION_FACTOR where there are not enough brokers; INVALID_REQUEST for a name given twice;
    ///   POLICY_VIOLATION for too many partitions.
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
                let left = ClusterController.newPartitionsMax - records.count
                records += try newPartitionRecords(topic, partitionsLeft: left)
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            response.results.append(result)
        }
        return Decision(request.validateOnly ? [] : records, reply: response)
    }

    private func newPartitionRecords(
        _ request: CreatePartitionsRequest.CreatePartitionsTopic, partitionsLeft: Int
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
        guard added <= partitionsLeft else { throw .tooManyPartitions }
        var records: [MetadataRecord] = []
        for (position, replicas) in try assignments(request, topic, adding: added).enumerated() {
            let index = PartitionIndex(Int32(present + position))
            let partition = try newPartition(index, on: replicas)
            records.append(.partition(partition.record(topic: topic.id, index: index)))
        }
        return records
    }

    private func assignments(
        _ request: CreatePartitionsRequest.CreatePartitionsTopic, _ topic: TopicImage, adding added: Int
    ) throws(Refusal) -> [[BrokerID]] {
        // A partition that is being moved has more replicas than it is to have.
        let factor = ReplicaAssignment(topic.partitions[0]).target.count
        if let manual = request.assignments {
            guard manual.count == added else {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "Attempted to add \(added) additional partition(s), but only \(manual.count) assignment(s) were "
                        + "specified.")
            }
            for assignment in manual { try checkManualAssignment(assignment.brokerIDs, replicationFactor: factor) }
            return manual.map(\.brokerIDs)
        }
        return try placement.replicas(
            partitions: added, replicationFactor: factor, start: topic.partitions.count)
    }
}
