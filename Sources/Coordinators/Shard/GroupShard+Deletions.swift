import HashTreeCollections
import OrderedCollections
package import Primitives
package import WireMessages

extension GroupShard {
    /// Handles DeleteGroups for the groups of this partition; answered when the tombstones are committed.
    ///
    /// - Errors: for each group GROUP_ID_NOT_FOUND or NON_EMPTY_GROUP.
    package mutating func deleteGroups(_ ids: [String], ticket: Ticket, at time: CoordinatorTime) -> [GroupEffect] {
        var records: [GroupRecord] = []
        var deleted: [String] = []
        let results = ids.map { id in
            var result = DeleteGroupsResponse.DeletableGroupResult()
            result.groupID = id
            if groups[id] == nil && image[id] == nil || deleted.contains(id) {
                result.errorCode = .groupIDNotFound
            } else if !(consumerGroup(id)?.members.isEmpty ?? true) {
                result.errorCode = .nonEmptyGroup
            } else if groups[id].map({ $0.state != .empty || !$0.pendingMembers.isEmpty }) ?? false {
                result.errorCode = .nonEmptyGroup
            } else {
                deleted.append(id)
                records += tombstones(of: id)
            }
            return result
        }
        let reply = GroupReply.deleteGroups(results)
        if records.isEmpty { return [.reply(ticket, reply)] }
        return decideTombstones(records, then: .reply(ticket, reply), deleting: deleted, at: time)
    }

    private func tombstones(of id: String) -> [GroupRecord] {
        guard let stored = image[id] else { return [] }
        let offsets = stored.sortedOffsets.map {
            GroupRecord.offset(group: id, partition: $0.partition, value: nil)
        }
        return offsets + groupTombstones(of: id)
    }

    /// Tombstones for all that is stored of a group but its offsets.
    func groupTombstones(of id: String) -> [GroupRecord] {
        guard let stored = image[id] else { return [] }
        var records: [GroupRecord] = stored.metadata == nil ? [] : [.group(id: id, value: nil)]
        if let consumer = stored.consumer {
            var draft = ConsumerGroupDraft(id: id, consumer)
            draft.writeTombstones()
            records += draft.records
        }
        return records
    }

    func isSubscribed(_ id: String, to topic: String) -> Bool {
        groups[id]?.isSubscribed(to: topic) ?? consumerGroup(id)?.isSubscribed(to: topic) ?? false
    }

    /// Handles OffsetDelete; answered when the tombstones are committed. A partition without an offset is no error.
    ///
    /// - Parameter isKnown: whether a partition exists; the others are answered UNKNOWN_TOPIC_OR_PARTITION.
    /// - Errors: for the whole INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP (a group with members that are no
    ///   consumers); for each partition GROUP_SUBSCRIBED_TO_TOPIC.
    /// - Source: KIP-496.
    package mutating func deleteOffsets(
        _ request: OffsetDeleteRequest, ticket: Ticket, at time: CoordinatorTime,
        isKnown: (_ topic: String, _ partition: PartitionIndex) -> Bool
    ) -> [GroupEffect] {
        let id = request.groupID
        if let error = errorOfOffsetDeletion(in: id) {
            var response = OffsetDeleteResponse()
            response.errorCode = error
            return [.reply(ticket, .offsetDelete(response))]
        }
        var records: [GroupRecord] = []
        var response = OffsetDeleteResponse()
        response.topics = request.topics.map { topic in
            let isSubscribed = isSubscribed(id, to: topic.name)
            var answered = OffsetDeleteResponse.OffsetDeleteResponseTopic()
            answered.name = topic.name
            answered.partitions = topic.partitions.map { partition in
                let place = ConsumedPartition(topic: topic.name, index: partition.partitionIndex)
                var result = OffsetDeleteResponse.OffsetDeleteResponsePartition()
                result.partitionIndex = place.index
                if !isKnown(place.topic, place.index) {
                    result.errorCode = .unknownTopicOrPartition
                } else if isSubscribed {
                    result.errorCode = .groupSubscribedToTopic
                } else if image[id]?.partitions(contain: place) ?? false {
                    records.append(.offset(group: id, partition: place, value: nil))
                }
                return result
            }
            return answered
        }
        let reply = GroupReply.offsetDelete(response)
        if records.isEmpty { return [.reply(ticket, reply)] }
        return decideTombstones(records, then: .reply(ticket, reply), at: time)
    }

    private func errorOfOffsetDeletion(in id: String) -> ErrorCode? {
        if id.isEmpty { return .invalidGroupID }
        guard let group = groups[id] else { return image[id] == nil ? .groupIDNotFound : nil }
        return group.state == .empty || group.usesConsumerProtocol ? nil : .nonEmptyGroup
    }

    /// Forgets what groups committed for topics that were deleted: a topic of the same name starts from nothing.
    ///
    /// The tombstones of all groups share batches: a topic that thousands of groups read costs a few writes.
    package mutating func topicsDeleted(_ topics: Set<String>, at time: CoordinatorTime) -> [GroupEffect] {
        let records = image.ids.flatMap { id in
            (image[id]?.partitions ?? []).filter { topics.contains($0.topic) }.map {
                GroupRecord.offset(group: id, partition: $0, value: nil)
            }
        }
        return decideTombstones(records, then: nil, at: time)
    }
}
