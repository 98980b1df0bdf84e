import ClientCore
import Primitives
package import WireMessages

extension Admin {
    /// Partitions of one DescribeTopicPartitions page.
    package static let partitionsInPageMax: Int32 = 2_000
    /// The resource type of topics in DescribeConfigs.
    private static let topicResource: Int8 = 2

    /// What is known of the named topics, in the given order; an unknown one has its error.
    ///
    /// - Errors: `unsupported` where the broker has no DescribeTopicPartitions.
    /// - Parameter partitionsInPage: how many partitions one response may have.
    package func describeTopics(
        _ names: [String], partitionsInPage: Int32 = Admin.partitionsInPageMax
    ) async throws(ClientError) -> [DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic] {
        var found: [String: DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic] = [:]
        var request = DescribeTopicPartitionsRequest()
        request.responsePartitionLimit = partitionsInPage
        request.topics = names.map { name in
            var entry = DescribeTopicPartitionsRequest.TopicRequest()
            entry.name = name
            return entry
        }
        while true {
            let response = try await cluster.send(request, to: .anyBroker)
            for topic in response.topics {
                let name = topic.name ?? ""
                if found[name] == nil { found[name] = topic } else { found[name]?.partitions += topic.partitions }
            }
            guard let next = response.nextCursor else { break }
            var cursor = DescribeTopicPartitionsRequest.Cursor()
            cursor.topicName = next.topicName
            cursor.partitionIndex = next.partitionIndex
            request.cursor = cursor
            request.topics.removeAll { $0.name < next.topicName }
        }
        return names.compactMap { found[$0] }
    }

    /// Where a configuration comes from when nobody set it, in DescribeConfigs.
    private static let defaultSource: Int8 = 5

    /// The configuration of each named topic that exists.
    package func topicConfigs(_ names: [String]) async throws(ClientError) -> [String: [TopicConfig]] {
        var request = DescribeConfigsRequest()
        request.resources = names.map { name in
            var resource = DescribeConfigsRequest.DescribeConfigsResource()
            resource.resourceType = Admin.topicResource
            resource.resourceName = name
            resource.configurationKeys = nil
            return resource
        }
        let response = try await cluster.send(request, to: .anyBroker)
        var configs: [String: [TopicConfig]] = [:]
        for result in response.results {
            if result.errorCode == .unknownTopicOrPartition { continue }
            guard result.errorCode == .noError else {
                throw ClientError(code: result.errorCode, message: result.errorMessage)
            }
            configs[result.resourceName] = result.configs.map {
                TopicConfig(
                    name: $0.name, value: $0.value, isDefault: $0.configSource == Admin.defaultSource,
                    isSensitive: $0.isSensitive)
            }
        }
        return configs
    }
}
