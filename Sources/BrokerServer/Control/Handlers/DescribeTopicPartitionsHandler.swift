import Metadata
import Primitives
package import WireMessages

/// DescribeTopicPartitions (API key 75), v0: topics in the order of their names, page by page.
///
/// Errors: INVALID_REQUEST for a limit below 1 or a cursor without a topic, as UNKNOWN_TOPIC_OR_PARTITION for each
/// unknown topic and INVALID_TOPIC_EXCEPTION for each impossible one.
package struct DescribeTopicPartitionsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .client

    /// Most partitions in one answer (`max.request.partition.size.limit`).
    private let partitionsMax: Int
    private let view: ClusterView

    package init(_ view: ClusterView, partitionsMax: Int) {
        self.view = view
        self.partitionsMax = partitionsMax
    }

    package func handle(
        _ request: DescribeTopicPartitionsRequest, _ context: RequestContext,
        _ reply: Reply<DescribeTopicPartitionsResponse>
    ) {
        let moment = view.moment(listener: context.listener.name)
        var names =
            request.topics.isEmpty
            ? moment.image.topics.sortedByName.map(\.name) : Set(request.topics.map(\.name)).sorted()
        var first = 0
        if let cursor = request.cursor {
            names.removeAll { $0 < cursor.topicName }
            if names.first == cursor.topicName { first = max(0, Int(cursor.partitionIndex.value)) }
        }
        var left = min(max(1, Int(request.responsePartitionLimit)), partitionsMax)
        var response = DescribeTopicPartitionsResponse()
        for name in names {
            guard left > 0 else {
                response.nextCursor = DescribeTopicPartitionsHandler.cursor(name, 0)
                break
            }
            guard let topic = moment.image.topics[name: name] else {
                response.topics.append(DescribeTopicPartitionsHandler.unknown(name))
                continue
            }
            let start = min(first, topic.partitions.count)
            let end = min(start + left, topic.partitions.count)
            response.topics.append(described(topic, start..<end, moment))
            left -= end - start
            first = 0
            if end < topic.partitions.count {
                response.nextCursor = DescribeTopicPartitionsHandler.cursor(name, end)
                break
            }
        }
        reply(response)
    }

    private func described(
        _ topic: TopicImage, _ range: Range<Int>, _ moment: ClusterView.Moment
    ) -> DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic {
        var answer = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic()
        answer.name = topic.name
        answer.topicID = topic.id
        answer.isInternal = TopicName.isInternal(topic.name)
        answer.topicAuthorizedOperations = AuthorizedOperations.topic
        answer.partitions = range.map { index in
            let partition = topic.partitions[index]
            var described = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition()
            let (leader, error) = moment.leader(of: partition)
            described.errorCode = error
            described.partitionIndex = PartitionIndex(Int32(index))
            described.leaderID = leader ?? BrokerID(-1)
            described.leaderEpoch = partition.leaderEpoch
            described.replicaNodes = partition.replicas
            described.isrNodes = partition.isr
            described.eligibleLeaderReplicas = partition.eligibleLeaderReplicas
            described.lastKnownElr = partition.lastKnownELR
            described.offlineReplicas = moment.offlineReplicas(of: partition)
            return described
        }
        return answer
    }

    private static func unknown(
        _ name: String
    ) -> DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic {
        var answer = DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic()
        answer.name = name
        answer.errorCode = TopicName.isValid(name) ? .unknownTopicOrPartition : .invalidTopicException
        return answer
    }

    private static func cursor(_ name: String, _ index: Int) -> DescribeTopicPartitionsResponse.Cursor {
        var cursor = DescribeTopicPartitionsResponse.Cursor()
        cursor.topicName = name
        cursor.partitionIndex = PartitionIndex(Int32(index))
        return cursor
    }
}
