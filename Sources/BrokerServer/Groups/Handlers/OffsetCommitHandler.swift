import Coordinators
package import Metadata
import Primitives
package import WireMessages

/// Stores how far a group has read.
///
/// - Errors: for each partition those of `GroupShard.commitOffsets`, UNKNOWN_TOPIC_ID (version 10), NOT_COORDINATOR,
///   COORDINATOR_LOAD_IN_PROGRESS; COORDINATOR_NOT_AVAILABLE when the commitment takes too long.
/// - Source: KIP-211 (expiry), KIP-320 (epochs), KIP-848 (topic ids).
package struct OffsetCommitHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 2...10
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost
    private let image: @Sendable () -> MetadataImage

    package init(_ groups: GroupCoordinatorHost, image: @escaping @Sendable () -> MetadataImage) {
        self.groups = groups
        self.image = image
    }

    package func handle(
        _ request: OffsetCommitRequest, _ context: RequestContext, _ reply: Reply<OffsetCommitResponse>
    ) {
        let topics = image().topics
        let usesIDs = context.version >= 10
        var known = request
        var unknownIDs = OffsetCommitResponse()
        if usesIDs {
            known.topics = []
            for var topic in request.topics {
                guard let name = topics[topic.topicID]?.name else {
                    unknownIDs.topics.append(OffsetCommitHandler.refused(topic, .unknownTopicID))
                    continue
                }
                topic.name = name
                known.topics.append(topic)
            }
        }
        let refused = unknownIDs.topics
        guard !known.topics.isEmpty else {
            var response = OffsetCommitResponse()
            response.topics = refused
            return reply(response)
        }
        let asked = known
        groups.submit(
            request.groupID,
            answered: { answer in
                guard case .offsetCommit(var response) = answer else {
                    preconditionFailure("a commit is answered by a commit")
                }
                response.topics += refused
                reply(response)
            },
            refused: { error in
                var response = OffsetCommitResponse()
                response.topics = asked.topics.map { OffsetCommitHandler.refused($0, error) } + refused
                reply(response)
            }
        ) { shard, ticket, time in
            shard.commitOffsets(asked, version: context.version, ticket: ticket, at: time) { topic, partition in
                topics[name: topic]?[partition] != nil
            }
        }
    }

    private static func refused(
        _ topic: OffsetCommitRequest.OffsetCommitRequestTopic, _ error: ErrorCode
    ) -> OffsetCommitResponse.OffsetCommitResponseTopic {
        var answered = OffsetCommitResponse.OffsetCommitResponseTopic()
        answered.name = topic.name
        answered.topicID = topic.topicID
        answered.partitions = topic.partitions.map { partition in
            var result = OffsetCommitResponse.OffsetCommitResponsePartition()
            result.partitionIndex = partition.partitionIndex
            result.errorCode = error
            return result
        }
        return answered
    }
}
