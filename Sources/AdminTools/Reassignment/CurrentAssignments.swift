import ClientCore
import MartletClient
import Primitives

/// Where partitions are now.
enum CurrentAssignments {
    /// All partitions of topics.
    ///
    /// - Errors: a topic that does not exist.
    static func ofTopics(
        _ topics: [String], _ admin: Admin
    ) async throws(ClientError) -> [TopicPartition: [BrokerID]] {
        let failed = try await admin.cluster.refresh(topics: topics)
        if let (topic, code) = failed.min(by: { $0.key < $1.key }) {
            guard code == .unknownTopicOrPartition else { throw ClientError(code: code) }
            throw ClientError(code: code, message: "Topic \(topic) not found.")
        }
        let view = admin.cluster.view
        var assignments: [TopicPartition: [BrokerID]] = [:]
        for topic in topics {
            for partition in view.topics[topic]?.partitions ?? [] {
                assignments[TopicPartition(topic, partition.index)] = partition.replicas
            }
        }
        return assignments
    }

    /// Some partitions.
    ///
    /// - Errors: a topic or a partition that does not exist.
    static func ofPartitions(
        _ places: some Collection<TopicPartition>, _ admin: Admin
    ) async throws(ClientError) -> [TopicPartition: [BrokerID]] {
        let all = try await ofTopics(Set(places.map(\.topic)).sorted(), admin)
        let missing = places.filter { all[$0] == nil }.sorted()
        guard missing.isEmpty else {
            let names = missing.map(\.description).joined(separator: ", ")
            throw ClientError(code: .unknownTopicOrPartition, message: "Unable to find partition: \(names)")
        }
        let wanted = Set(places)
        return all.filter { wanted.contains($0.key) }
    }
}
