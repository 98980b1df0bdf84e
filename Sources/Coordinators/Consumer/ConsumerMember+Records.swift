import Metadata
import Primitives
import WireMessages

extension ConsumerMember {
    /// What the member says of itself, as it is written down.
    var metadataRecord: ConsumerGroupRecord {
        var value = ConsumerGroupMemberMetadataValue()
        value.instanceID = instanceID
        value.rackID = rackID
        value.clientID = clientID
        value.clientHost = clientHost
        value.subscribedTopicNames = subscription.names
        value.subscribedTopicRegex = subscription.expression
        value.rebalanceTimeoutMilliseconds = rebalanceTimeoutMilliseconds
        value.serverAssignor = serverAssignor
        value.classicMemberMetadata = classic.map { classic in
            var written = ConsumerGroupMemberMetadataValue.ClassicMemberMetadata()
            written.sessionTimeoutMilliseconds = classic.sessionTimeoutMilliseconds
            written.supportedProtocols = classic.protocols.map { offered in
                var one = ConsumerGroupMemberMetadataValue.ClassicProtocol()
                one.name = offered.name
                one.metadata = offered.metadata
                return one
            }
            return written
        }
        return .member(id: id, value)
    }

    mutating func replay(_ value: ConsumerGroupMemberMetadataValue) {
        instanceID = value.instanceID
        rackID = value.rackID
        clientID = value.clientID
        clientHost = value.clientHost
        let expression = value.subscribedTopicRegex ?? ""
        subscription = ConsumerSubscription(
            names: value.subscribedTopicNames, expression: expression.isEmpty ? nil : expression)
        rebalanceTimeoutMilliseconds = value.rebalanceTimeoutMilliseconds
        serverAssignor = value.serverAssignor
        classic = value.classicMemberMetadata.map { written in
            ClassicMembership(
                sessionTimeoutMilliseconds: written.sessionTimeoutMilliseconds,
                protocols: written.supportedProtocols.map {
                    MemberProtocol(name: $0.name, metadata: $0.metadata.detached)
                })
        }
    }

    /// What the member owns, as it is written down.
    var currentRecord: ConsumerGroupRecord {
        var value = ConsumerGroupCurrentMemberAssignmentValue()
        value.memberEpoch = epoch
        value.previousMemberEpoch = previousEpoch
        value.state = reconciliation.rawValue
        value.assignedPartitions = ConsumerMember.written(assigned)
        value.partitionsPendingRevocation = ConsumerMember.written(pendingRevocation)
        return .current(member: id, value)
    }

    mutating func replay(_ value: ConsumerGroupCurrentMemberAssignmentValue) {
        epoch = value.memberEpoch
        previousEpoch = value.previousMemberEpoch
        reconciliation = MemberReconciliation(rawValue: value.state) ?? .unknown
        // Kafka before 4.3 did not write in which epoch a partition was assigned.
        let fallback = max(0, value.memberEpoch)
        assigned = ConsumerMember.read(value.assignedPartitions, fallback)
        pendingRevocation = ConsumerMember.read(value.partitionsPendingRevocation, fallback)
    }

    private typealias Written = ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions

    private static func written(_ owned: [OwnedPartition]) -> [Written] {
        var topics: [Written] = []
        for one in owned {
            if topics.last?.topicID != one.partition.topic {
                var topic = Written()
                topic.topicID = one.partition.topic
                topic.assignmentEpochs = []
                topics.append(topic)
            }
            topics[topics.count - 1].partitions.append(one.partition.index)
            topics[topics.count - 1].assignmentEpochs?.append(one.epoch)
        }
        return topics
    }

    private static func read(_ topics: [Written], _ fallback: Int32) -> [OwnedPartition] {
        topics.flatMap { topic in
            let epochs = topic.assignmentEpochs ?? []
            return topic.partitions.enumerated().map { index, partition in
                OwnedPartition(
                    partition: TopicPartitionID(topic.topicID, partition),
                    epoch: epochs.indices.contains(index) ? epochs[index] : fallback)
            }
        }.sorted()
    }
}
