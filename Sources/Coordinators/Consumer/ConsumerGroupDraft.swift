import HashTreeCollections
import Metadata
import Primitives
import WireMessages

/// A decision about a consumer group in the making: each record that is written at once changes the copy of the group
/// that the rest of the decision is made on.
struct ConsumerGroupDraft {
    let id: String
    private(set) var group: ConsumerGroup
    private(set) var records: [GroupRecord] = []

    init(id: String, _ group: ConsumerGroup) {
        self.id = id
        self.group = group
    }

    mutating func write(_ record: ConsumerGroupRecord) {
        group.replay(record)
        records.append(.consumer(group: id, record))
    }

    /// Adds a record that is not about the consumer group.
    mutating func writeElsewhere(_ record: GroupRecord) { records.append(record) }

    // MARK: Epochs

    mutating func raiseEpoch(hash: Int64) {
        var value = ConsumerGroupMetadataValue()
        value.epoch = group.epoch + 1
        value.metadataHash = hash
        write(.group(value))
    }

    /// Raises the epoch where the subscribed topics are not what they were, or where `isChanged` says so.
    mutating func refresh(_ topics: inout SubscribableTopics, isChanged: Bool) {
        let hash = topics.hash(of: group.subscribedTopics)
        if group.hasOldMetadataRecord { write(.partitionMetadata(nil)) }
        if isChanged || hash != group.metadataHash { raiseEpoch(hash: hash) }
    }

    /// Shares the partitions out anew, as of the present epoch; members whose target stays get no record.
    mutating func assign(_ topics: SubscribableTopics, by fallback: ServerAssignor) {
        let assignor = group.preferredAssignor.flatMap(ServerAssignor.init) ?? fallback
        let task = group.assignmentTask(topics)
        let targets = assignor.assign(task)
        for (member, target) in zip(task.members, targets) where group.targets[member.id] != target {
            write(ConsumerGroupDraft.targetRecord(target, of: member.id))
        }
        var value = ConsumerGroupTargetAssignmentMetadataValue()
        value.assignmentEpoch = group.epoch
        write(.targetEpoch(value))
    }

    static func targetRecord(_ target: [TopicPartitionID], of member: String) -> ConsumerGroupRecord {
        var value = ConsumerGroupTargetAssignmentMemberValue()
        value.topicPartitions = target.byTopic.map { entry in
            var topic = ConsumerGroupTargetAssignmentMemberValue.TopicPartition()
            topic.topicID = entry.topic
            topic.partitions = entry.partitions
            return topic
        }
        return .target(member: member, value)
    }

    // MARK: Members

    /// Takes a member out. The caller raises the epoch.
    mutating func remove(_ memberID: String) {
        let expression = group.members[memberID]?.subscription.expression
        write(.current(member: memberID, nil))
        write(.target(member: memberID, nil))
        write(.member(id: memberID, nil))
        if let expression { forgetIfUnused(expression) }
    }

    /// Deletes what an expression stood for when nobody subscribes by it any more.
    mutating func forgetIfUnused(_ expression: String) {
        let isUsed = group.subscriptions.keys.contains { $0.expression == expression }
        if !isUsed, group.expressions[expression] != nil { write(.expression(expression, nil)) }
    }

    /// Puts a member in the place of the one that had its instance id: same target, same partitions, epoch 0.
    mutating func replace(_ former: ConsumerMember, with memberID: String) -> ConsumerMember {
        let member = ConsumerMember(former, as: memberID)
        let target = group.targets[former.id] ?? []
        write(.current(member: former.id, nil))
        write(.target(member: former.id, nil))
        write(.member(id: former.id, nil))
        write(member.metadataRecord)
        write(ConsumerGroupDraft.targetRecord(target, of: memberID))
        write(member.currentRecord)
        return member
    }

    /// Moves a member towards its target; false where it must begin anew.
    mutating func reconcile(
        _ memberID: String, owned: Set<TopicPartitionID>?, hasNewSubscription: Bool, _ topics: SubscribableTopics
    ) -> Bool {
        guard let member = group.members[memberID] else { preconditionFailure("nobody to reconcile") }
        if !hasNewSubscription && member.isReconciled(to: group.targetEpoch) { return true }
        var target = group.targets[memberID] ?? []
        // A target may be older than the subscription: what a member does not ask for, it does not get.
        if !target.isEmpty {
            let asked = Set(group.names(of: member.subscription).compactMap(topics.id))
            target.removeAll { !asked.contains($0.topic) }
        }
        let goal = ConsumerMember.Goal(epoch: group.targetEpoch, target: target, owned: owned)
        guard let next = member.reconciled(with: goal, isFree: group.isFree) else { return false }
        if next != member { write(next.currentRecord) }
        return true
    }

    /// Deletes everything of the group but its offsets.
    mutating func writeTombstones() {
        let ids = group.members.keys.sorted()
        for id in ids { write(.current(member: id, nil)) }
        for id in Set(ids).union(group.targets.keys).sorted() { write(.target(member: id, nil)) }
        write(.targetEpoch(nil))
        for id in ids { write(.member(id: id, nil)) }
        for text in group.expressions.keys.sorted() { write(.expression(text, nil)) }
        if group.hasOldMetadataRecord { write(.partitionMetadata(nil)) }
        write(.group(nil))
    }
}
