import ClientCore
import MartletClient
import Primitives
import WireMessages

/// `topics --create`.
struct TopicCreation {
    private let topic: CreateTopicsRequest.CreatableTopic
    private let isSilentWhereItExists: Bool

    init(_ given: GivenOptions) throws {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = try given.needed(TopicsOptions.topic)
        topic.numPartitions = try TopicCreation.partitions(given) ?? -1
        topic.replicationFactor = try TopicCreation.replicationFactor(given) ?? -1
        if let text = try given.text(TopicsOptions.replicaAssignment), !text.isEmpty {
            topic.assignments = try ReplicaAssignmentText.parse(text).enumerated().map { index, brokers in
                var assignment = CreateTopicsRequest.CreatableReplicaAssignment()
                assignment.partitionIndex = PartitionIndex(Int32(index))
                assignment.brokerIDs = brokers
                return assignment
            }
        }
        topic.configs = try given.all(TopicsOptions.config).map(TopicCreation.config)
        self.topic = topic
        isSilentWhereItExists = given.has(TopicsOptions.ifNotExists)
    }

    private static func partitions(_ given: GivenOptions) throws -> Int32? {
        guard let count: Int32 = try given.number(TopicsOptions.partitions) else { return nil }
        guard count > 0 else { throw ClientError(.invalid, "The partitions must be greater than 0") }
        return count
    }

    private static func replicationFactor(_ given: GivenOptions) throws -> Int16? {
        guard let factor: Int32 = try given.number(TopicsOptions.replicationFactor) else { return nil }
        guard let small = Int16(exactly: factor), small > 0 else {
            throw ClientError(.invalid, "The replication factor must be between 1 and 32767 inclusive")
        }
        return small
    }

    private static func config(_ text: String) throws -> CreateTopicsRequest.CreatableTopicConfig {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw ClientError(
                .invalid,
                "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".")
        }
        var entry = CreateTopicsRequest.CreatableTopicConfig()
        entry.name = ClientProperties.trimmed(parts[0])
        entry.value = ClientProperties.trimmed(parts[1])
        return entry
    }

    func run(_ admin: Admin) async throws {
        if topic.name.contains(".") || topic.name.contains("_") {
            print(
                "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could "
                    + "collide. To avoid issues it is best to use either, but not both.")
        }
        do throws(ClientError) { try await admin.create(topic, validatesOnly: false) } catch {
            if isSilentWhereItExists, error.code == .topicAlreadyExists { return }
            throw error
        }
        print("Created topic \(topic.name).")
    }
}
