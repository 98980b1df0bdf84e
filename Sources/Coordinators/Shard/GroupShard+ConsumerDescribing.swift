import HashTreeCollections
import Metadata
import Primitives
package import WireMessages

extension GroupShard {
    /// What ConsumerGroupDescribe says of a group, as of the high watermark; nil where there is no such consumer group.
    package func describeConsumerGroup(_ id: String) -> ConsumerGroupDescribeResponse.DescribedGroup? {
        guard isConsumerGroup(id), let group = committedImage[id]?.consumer else { return nil }
        var described = ConsumerGroupDescribeResponse.DescribedGroup()
        described.groupID = id
        described.groupState = group.state.rawValue
        described.groupEpoch = group.epoch
        described.assignmentEpoch = group.targetEpoch
        described.assignorName = group.preferredAssignor ?? (settings.consumerAssignors.first ?? .uniform).rawValue
        described.members = group.members.values.sorted { $0.id < $1.id }.map { member in
            var shown = ConsumerGroupDescribeResponse.Member()
            shown.memberID = member.id
            shown.instanceID = member.instanceID
            shown.rackID = member.rackID
            shown.memberEpoch = member.epoch
            shown.clientID = member.clientID
            shown.clientHost = member.clientHost
            shown.subscribedTopicNames = member.subscription.names
            shown.subscribedTopicRegex = member.subscription.expression
            shown.assignment = assignment(of: member.assigned.map(\.partition))
            shown.targetAssignment = assignment(of: group.targets[member.id] ?? [])
            shown.memberType = member.classic == nil ? 1 : 0
            return shown
        }
        return described
    }

    /// Partitions with the names of their topics; those of deleted topics are left out.
    private func assignment(of partitions: [TopicPartitionID]) -> ConsumerGroupDescribeResponse.Assignment {
        var assignment = ConsumerGroupDescribeResponse.Assignment()
        for entry in partitions.byTopic {
            guard let name = topics.name(of: entry.topic) else { continue }
            var topic = ConsumerGroupDescribeResponse.TopicPartitions()
            topic.topicID = entry.topic
            topic.topicName = name
            topic.partitions = entry.partitions
            assignment.topicPartitions.append(topic)
        }
        return assignment
    }
}
