import Metadata
import Primitives
package import WireMessages

extension ClusterController {
    /// Most partitions that one request may create.
    static let newPartitionsMax = 10_000

    /// Creates topics, each one by itself: a refused one does not hold back the others.
    ///
    /// - Errors for each topic: INVALID_REQUEST for a name given twice or contradicting counts;
    ///   INVALID_TOPIC_EXCEPTION; TOPIC_ALREADY_EXISTS; INVALID_PARTITIONS; INVALID_REPLICATION_FACTOR;
    ///   INVALID_REPLICA_ASSIGNMENT; INVALID_CONFIG; POLICY_VIOLATION for too many partitions.
    package func createTopics(
        _ request: CreateTopicsRequest, generator: inout some RandomNumberGenerator
    ) -> Decision<CreateTopicsResponse> {
        var copy = self
        var response = CreateTopicsResponse()
        var records: [MetadataRecord] = []
        var counts: [String: Int] = [:]
        for topic in request.topics { counts[topic.name, default: 0] += 1 }
        var answered: Set<String> = []
        var partitionsLeft = ClusterController.newPartitionsMax
        for topic in request.topics where answered.insert(topic.name).inserted {
            var result = CreateTopicsResponse.CreatableTopicResult()
            result.name = topic.name
            do throws(Refusal) {
                if counts[topic.name]! > 1 { throw Refusal(.invalidRequest, "Duplicate topic name.") }
                let plan = try copy.plan(topic, partitionsLeft: partitionsLeft)
                partitionsLeft -= plan.partitions.count
                let id = copy.freshTopicID(&generator)
                let made = plan.records(id: id)
                for record in made { copy.replay(record) }
                records += made
                result.topicID = request.validateOnly ? .zero : id
                result.numPartitions = Int32(plan.partitions.count)
                result.replicationFactor = Int16(plan.partitions[0].replicas.count)
                result.configs = copy.effectiveConfigs(of: topic.name).map(
                    CreateTopicsResponse.CreatableTopicConfigs.init)
            } catch {
                result.errorCode = error.code
                result.errorMessage = error.message
            }
            response.topics.append(result)
        }
        return Decision(request.validateOnly ? [] : records, reply: response)
    }

    private func freshTopicID(_ generator: inout some RandomNumberGenerator) -> TopicID {
        while true {
            let id = TopicID.random(using: &generator)
            if image.topics[id] == nil { return id }
        }
    }

    private func plan(
        _ topic: CreateTopicsRequest.CreatableTopic, partitionsLeft: Int
    ) throws(Refusal) -> TopicPlan {
        if let complaint = TopicName.complaint(about: topic.name) {
            throw Refusal(.invalidTopicException, complaint)
        }
        guard image.topics[name: topic.name] == nil else {
            throw Refusal(.topicAlreadyExists, "Topic '\(topic.name)' already exists.")
        }
        if let other = image.topics.collision(with: topic.name) {
            throw Refusal(
                .invalidTopicException, "Topic '\(topic.name)' collides with existing topic: \(other)")
        }
        let assignments = try assignments(of: topic, partitionsLeft)
        let configs = try TopicConfigs.checked(topic.configs.map { ($0.name, $0.value) })
        var partitions: [PartitionRegistration] = []
        for (index, replicas) in assignments.enumerated() {
            partitions.append(try newPartition(PartitionIndex(Int32(index)), on: replicas))
        }
        return TopicPlan(name: topic.name, partitions: partitions, configs: configs)
    }

    private func assignments(
        of topic: CreateTopicsRequest.CreatableTopic, _ partitionsLeft: Int
    ) throws(Refusal) -> [[BrokerID]] {
        guard topic.assignments.isEmpty else { return try manualAssignments(of: topic, partitionsLeft) }
        if topic.replicationFactor < -1 || topic.replicationFactor == 0 {
            throw Refusal(
                .invalidReplicationFactor,
                "Replication factor must be larger than 0, or -1 to use the default value.")
        }
        if topic.numPartitions < -1 || topic.numPartitions == 0 {
            throw Refusal(
                .invalidPartitions,
                "Number of partitions was set to an invalid non-positive value.")
        }
        let count = Int(topic.numPartitions == -1 ? configuration.defaultPartitions : topic.numPartitions)
        guard count <= partitionsLeft else { throw .tooManyPartitions }
        let factor = topic.replicationFactor == -1 ? configuration.defaultReplicationFactor : topic.replicationFactor
        return try placement.replicas(
            partitions: count, replicationFactor: Int(factor), start: placedPartitions)
    }

    private func manualAssignments(
        of topic: CreateTopicsRequest.CreatableTopic, _ partitionsLeft: Int
    ) throws(Refusal) -> [[BrokerID]] {
        guard topic.replicationFactor == -1 else {
            throw Refusal(
                .invalidRequest,
                "A manual partition assignment was specified, but replication factor was not set to -1.")
        }
        guard topic.numPartitions == -1 else {
            throw Refusal(
                .invalidRequest,
                "A manual partition assignment was specified, but numPartitions was not set to -1.")
        }
        guard topic.assignments.count <= partitionsLeft else { throw .tooManyPartitions }
        let sorted = topic.assignments.sorted { $0.partitionIndex < $1.partitionIndex }
        var factor: Int?
        for (expected, assignment) in sorted.enumerated() {
            if expected > 0, sorted[expected - 1].partitionIndex == assignment.partitionIndex {
                throw Refusal(
                    .invalidReplicaAssignment,
                    "Found multiple manual partition assignments for partition \(assignment.partitionIndex)")
            }
            guard Int(assignment.partitionIndex.value) == expected else {
                throw Refusal(
                    .invalidReplicaAssignment, "partitions should be a consecutive 0-based integer sequence")
            }
            try checkManualAssignment(assignment.brokerIDs, replicationFactor: factor)
            factor = assignment.brokerIDs.count
        }
        return sorted.map(\.brokerIDs)
    }
}

extension Refusal {
    static let tooManyPartitions = Refusal(
        .policyViolation,
        "Excessively large number of partitions per request: at most \(ClusterController.newPartitionsMax).")
}

/// A topic that may be created.
private struct TopicPlan {
    let name: String
    let partitions: [PartitionRegistration]
    let configs: [(String, String)]

    func records(id: TopicID) -> [MetadataRecord] {
        var topic = TopicRecord()
        topic.name = name
        topic.topicID = id
        let settings = configs.map { key, value in ConfigRecord.setting(.topic(name), key, to: value) }
        return [.topic(topic)] + settings
            + partitions.enumerated().map { index, partition in
                .partition(partition.record(topic: id, index: PartitionIndex(Int32(index))))
            }
    }
}

extension CreateTopicsResponse.CreatableTopicConfigs {
    init(_ config: EffectiveConfig) {
        self.init()
        name = config.name
        value = config.value
        configSource = config.source.rawValue
    }
}
