import Primitives
import Replication
package import WireMessages

/// OffsetForLeaderEpoch (API key 23), versions 2 to 4: where an epoch ends in the leader's log.
///
/// Errors: `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`, `NOT_LEADER_OR_FOLLOWER`, `UNKNOWN_TOPIC_OR_PARTITION`.
/// Source: KIP-101, KIP-279 (the answer names the epoch that it found), KIP-320.
package struct OffsetForLeaderEpochHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 2...4
    package static let listeners: ListenerKinds = .client

    private let table: PartitionTable

    package init(table: PartitionTable) { self.table = table }

    package func handle(
        _ request: OffsetForLeaderEpochRequest, _ context: RequestContext, _ reply: Reply<OffsetForLeaderEpochResponse>
    ) {
        var response = OffsetForLeaderEpochResponse()
        for topic in request.topics {
            var answer = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult()
            answer.topic = topic.topic
            answer.partitions = topic.partitions.map { end(of: $0, in: topic.topic) }
            response.topics.append(answer)
        }
        reply(response)
    }

    private func end(
        of asked: OffsetForLeaderEpochRequest.OffsetForLeaderPartition, in topic: String
    ) -> OffsetForLeaderEpochResponse.EpochEndOffset {
        var answer = OffsetForLeaderEpochResponse.EpochEndOffset()
        answer.partition = asked.partition
        guard let partition = table.partition(topic, asked.partition) else {
            let isKnown = table.knows(topic, asked.partition)
            answer.errorCode = isKnown ? .notLeaderOrFollower : .unknownTopicOrPartition
            return answer
        }
        do throws(ReplicationError) {
            let requested = LeaderEpoch.optional(asked.currentLeaderEpoch)
            guard let end = try partition.epochEnd(asked.leaderEpoch, requestedEpoch: requested) else { return answer }
            answer.leaderEpoch = end.epoch
            answer.endOffset = end.endOffset
        } catch {
            answer.errorCode = error.code
        }
        return answer
    }
}
