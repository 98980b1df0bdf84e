import ClientCore
import Primitives
package import WireMessages

/// Makes, removes and describes what a cluster has.
///
/// Calls are repeated while the cluster's answer is a passing one, until `callTimeoutMilliseconds` is over.
public final class Admin: Sendable {
    package let cluster: ClusterClient

    /// Connects when it is first used.
    ///
    /// - Errors: `invalid` for a bootstrap list that can't be read.
    public init(_ configuration: ClientConfiguration) throws(ClientError) {
        cluster = try ClusterClient(configuration)
    }

    package init(_ cluster: ClusterClient) { self.cluster = cluster }

    /// Closes its connections.
    public func close() { cluster.close() }

    /// Makes a topic; the cluster's defaults hold for numbers that are left out.
    public func createTopic(
        _ name: String, partitions: Int32? = nil, replicationFactor: Int16? = nil, configs: [(String, String)] = []
    ) async throws(ClientError) {
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = name
        topic.numPartitions = partitions ?? -1
        topic.replicationFactor = replicationFactor ?? -1
        topic.configs = configs.map { key, value in
            var entry = CreateTopicsRequest.CreatableTopicConfig()
            entry.name = key
            entry.value = value
            return entry
        }
        try await create(topic, validatesOnly: false)
    }

    /// Makes a topic from its wire form, or only checks whether it could be made.
    package func create(_ topic: CreateTopicsRequest.CreatableTopic, validatesOnly: Bool) async throws(ClientError) {
        var request = CreateTopicsRequest()
        request.topics = [topic]
        request.timeoutMilliseconds = Int32(cluster.configuration.requestTimeoutMilliseconds)
        request.validateOnly = validatesOnly
        let asked = request
        try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.send(asked, to: .anyBroker)
            for result in response.topics where result.errorCode != .noError {
                throw ClientError(code: result.errorCode, message: result.errorMessage)
            }
        }
    }

    /// Removes a topic with all its records.
    public func deleteTopic(_ name: String) async throws(ClientError) { try await deleteTopics([name]) }

    /// Adds partitions to a topic up to `count`.
    public func increasePartitions(of name: String, to count: Int32) async throws(ClientError) {
        var topic = CreatePartitionsRequest.CreatePartitionsTopic()
        topic.name = name
        topic.count = count
        try await createPartitions([topic])
    }

    /// The names of all topics, sorted.
    public func topicNames() async throws(ClientError) -> [String] {
        try await cluster.refresh(topics: nil)
        return cluster.view.topicNames
    }

    /// All brokers that are alive, with the id of the cluster.
    package func describeCluster() async throws(ClientError) -> DescribeClusterResponse {
        let response = try await cluster.send(DescribeClusterRequest(), to: .anyBroker)
        guard response.errorCode == .noError else {
            throw ClientError(code: response.errorCode, message: response.errorMessage)
        }
        return response
    }

    /// The state of the metadata quorum.
    package func describeQuorum() async throws(ClientError) -> DescribeQuorumResponse {
        var partition = DescribeQuorumRequest.PartitionData()
        partition.partitionIndex = PartitionIndex(0)
        var topic = DescribeQuorumRequest.TopicData()
        topic.topicName = "__cluster_metadata"
        topic.partitions = [partition]
        var request = DescribeQuorumRequest()
        request.topics = [topic]
        let asked = request
        return try await cluster.retrying { () throws(ClientError) in
            let response = try await cluster.sendToAdministration(asked)
            let errors = [response.errorCode] + response.topics.flatMap { $0.partitions.map(\.errorCode) }
            for error in errors where error != .noError {
                throw ClientError(code: error, message: response.errorMessage)
            }
            return response
        }
    }
}
