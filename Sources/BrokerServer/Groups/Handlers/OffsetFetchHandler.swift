import Coordinators
package import Metadata
import Primitives
package import WireMessages

/// Tells how far groups have read: committed offsets only.
///
/// - Errors: for each group NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, GROUP_ID_NOT_FOUND (a member asks, version
///   9), UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH and ILLEGAL_GENERATION (a member of a consumer group asks);
///   for each partition UNSTABLE_OFFSET_COMMIT, UNKNOWN_TOPIC_ID (version 10). A partition without a commit has
///   offset −1 and no error.
/// - Source: KIP-447 (stable), KIP-709 (many groups), KIP-848 (topic ids).
package struct OffsetFetchHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 1...10
    package static let listeners: ListenerKinds = .client

    private typealias GroupRequest = OffsetFetchRequest.OffsetFetchRequestGroup
    private typealias GroupResponse = OffsetFetchResponse.OffsetFetchResponseGroup

    private let groups: GroupCoordinatorHost
    private let image: @Sendable () -> MetadataImage

    package init(_ groups: GroupCoordinatorHost, image: @escaping @Sendable () -> MetadataImage) {
        self.groups = groups
        self.image = image
    }

    package func handle(
        _ request: OffsetFetchRequest, _ context: RequestContext, _ reply: Reply<OffsetFetchResponse>
    ) {
        var response = OffsetFetchResponse()
        if context.version >= 8 {
            response.groups = request.groups.map { answer($0, request.requireStable, context.version) }
        } else {
            let answered = answer(OffsetFetchHandler.group(of: request), request.requireStable, context.version)
            OffsetFetchHandler.flatten(answered, into: &response, version: context.version, request)
        }
        reply(response)
    }

    // MARK: One group

    private func answer(_ request: GroupRequest, _ isStableRequired: Bool, _ version: Int16) -> GroupResponse {
        var response = GroupResponse()
        response.groupID = request.groupID
        let topics = image().topics
        typealias Topics = [OffsetFetchResponse.OffsetFetchResponseTopics]
        let found = groups.access(request.groupID) { shard, _ -> Result<Topics, ShardRefusal> in
            let asksAsMember = request.memberID != nil || request.memberEpoch >= 0
            guard !asksAsMember || shard.contains(request.groupID) else {
                return .failure(ShardRefusal(.groupIDNotFound))
            }
            let memberError = shard.errorOfFetch(
                group: request.groupID, memberID: request.memberID, epoch: request.memberEpoch)
            if let memberError { return .failure(ShardRefusal(memberError)) }
            let topics = wanted(request, topics, shard, version).map { topic in
                fetched(topic, of: request.groupID, isStableRequired, shard)
            }
            return .success(topics)
        }
        switch found {
        case .failure(let refusal), .success(.failure(let refusal)): response.errorCode = refusal.code
        case .success(.success(let found)): response.topics = found
        }
        return response
    }

    private struct WantedTopic {
        var name: String?
        var id = TopicID.zero
        var partitions: [PartitionIndex]
    }

    /// What is asked for; all that the group has committed where the list is null.
    private func wanted(
        _ request: GroupRequest, _ topics: TopicsImage, _ shard: GroupShard, _ version: Int16
    ) -> [WantedTopic] {
        if let asked = request.topics {
            return asked.map { topic in
                let name = version >= 10 ? topics[topic.topicID]?.name : topic.name
                return WantedTopic(name: name, id: topic.topicID, partitions: topic.partitionIndexes)
            }
        }
        var wanted: [WantedTopic] = []
        for partition in shard.partitions(of: request.groupID) {
            if wanted.last?.name != partition.topic {
                let id = topics.id(of: partition.topic)
                if id == nil && version >= 10 { continue }
                wanted.append(WantedTopic(name: partition.topic, id: id ?? .zero, partitions: []))
            }
            wanted[wanted.count - 1].partitions.append(partition.index)
        }
        return wanted
    }

    private func fetched(
        _ topic: WantedTopic, of group: String, _ isStableRequired: Bool, _ shard: GroupShard
    ) -> OffsetFetchResponse.OffsetFetchResponseTopics {
        var response = OffsetFetchResponse.OffsetFetchResponseTopics()
        response.name = topic.name ?? ""
        response.topicID = topic.id
        response.partitions = topic.partitions.map { index in
            var result = OffsetFetchResponse.OffsetFetchResponsePartitions()
            result.partitionIndex = index
            result.committedOffset = Offset(-1)
            result.metadata = ""
            guard let name = topic.name else {
                result.errorCode = .unknownTopicID
                return result
            }
            let place = ConsumedPartition(topic: name, index: index)
            switch shard.fetchOffset(of: place, group: group, isStableRequired: isStableRequired) {
            case .nothingCommitted: break
            case .unstable: result.errorCode = .unstableOffsetCommit
            case .committed(let found):
                result.committedOffset = found.offset
                result.committedLeaderEpoch = found.leaderEpoch ?? LeaderEpoch(-1)
                result.metadata = found.metadata
            }
            return result
        }
        return response
    }

    // MARK: The form before version 8

    private static func group(of request: OffsetFetchRequest) -> GroupRequest {
        var group = GroupRequest()
        group.groupID = request.groupID
        group.topics = request.topics.map { topics in
            topics.map { topic in
                var one = OffsetFetchRequest.OffsetFetchRequestTopics()
                one.name = topic.name
                one.partitionIndexes = topic.partitionIndexes
                return one
            }
        }
        return group
    }

    private static func flatten(
        _ group: GroupResponse, into response: inout OffsetFetchResponse, version: Int16, _ request: OffsetFetchRequest
    ) {
        response.errorCode = group.errorCode
        response.topics = group.topics.map { topic in
            var one = OffsetFetchResponse.OffsetFetchResponseTopic()
            one.name = topic.name
            one.partitions = topic.partitions.map { partition in
                var result = OffsetFetchResponse.OffsetFetchResponsePartition()
                result.partitionIndex = partition.partitionIndex
                result.committedOffset = partition.committedOffset
                result.committedLeaderEpoch = partition.committedLeaderEpoch
                result.metadata = partition.metadata
                result.errorCode = partition.errorCode
                return result
            }
            return one
        }
        // Version 1 has no error for the whole: each partition carries it.
        guard version < 2, group.errorCode != .noError else { return }
        response.topics = (request.topics ?? []).map { topic in
            var one = OffsetFetchResponse.OffsetFetchResponseTopic()
            one.name = topic.name
            one.partitions = topic.partitionIndexes.map { index in
                var result = OffsetFetchResponse.OffsetFetchResponsePartition()
                result.partitionIndex = index
                result.committedOffset = Offset(-1)
                result.metadata = ""
                result.errorCode = group.errorCode
                return result
            }
            return one
        }
    }
}
