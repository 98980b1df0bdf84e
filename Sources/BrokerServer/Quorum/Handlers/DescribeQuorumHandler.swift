import Primitives
import Quorum
package import WireMessages
import World

/// DescribeQuorum (API key 55), v0–2: who votes, who leads, how far each replica of the metadata log is.
///
/// On a listener for clients a node that does not lead passes it on to the leader. Errors: `INVALID_REQUEST`,
/// `UNKNOWN_TOPIC_OR_PARTITION`, `NOT_LEADER_OR_FOLLOWER`.
package struct DescribeQuorumHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners = ListenerKinds.all

    private let host: QuorumHost

    package init(_ host: QuorumHost) { self.host = host }

    package func handle(
        _ request: DescribeQuorumRequest, _ context: RequestContext, _ reply: Reply<DescribeQuorumResponse>
    ) {
        host.onLoop { [host] in
            guard request.topics.count == 1, request.topics[0].topicName == MetadataPartition.topic,
                request.topics[0].partitions.count == 1,
                request.topics[0].partitions[0].partitionIndex == MetadataPartition.index
            else { return reply(DescribeQuorumHandler.failure(.unknownTopicOrPartition, host.leader)) }
            if let description = host.describe() {
                return reply(DescribeQuorumHandler.response(description, host))
            }
            guard context.listener.kind == .client, let leader = host.leader.id else {
                return reply(DescribeQuorumHandler.failure(.notLeaderOrFollower, host.leader))
            }
            let known = host.leader
            host.peers?.forward(request, to: leader, version: context.version) { result in
                switch result {
                case .success(let response): reply(response)
                case .failure: reply(DescribeQuorumHandler.failure(.notLeaderOrFollower, known))
                }
            }
        }
    }

    private static func failure(_ error: ErrorCode, _ leader: QuorumLeader) -> DescribeQuorumResponse {
        var part = DescribeQuorumResponse.PartitionData()
        part.partitionIndex = MetadataPartition.index
        part.errorCode = error
        part.leaderID = leader.id ?? BrokerID(-1)
        part.leaderEpoch = leader.epoch
        part.highWatermark = -1
        return response(part)
    }

    private static func response(_ part: DescribeQuorumResponse.PartitionData) -> DescribeQuorumResponse {
        var topic = DescribeQuorumResponse.TopicData()
        topic.topicName = MetadataPartition.topic
        topic.partitions = [part]
        var response = DescribeQuorumResponse()
        response.topics = [topic]
        return response
    }

    private static func response(_ description: QuorumDescription, _ host: QuorumHost) -> DescribeQuorumResponse {
        let times = Times(now: host.world.clock.now, timeOfDay: host.world.clock.timeOfDay)
        var part = DescribeQuorumResponse.PartitionData()
        part.partitionIndex = MetadataPartition.index
        part.leaderID = description.leaderID
        part.leaderEpoch = description.epoch
        part.highWatermark = description.highWatermark?.value ?? -1
        part.currentVoters = description.voters.map { replica($0, times) }
        part.observers = description.observers.map { replica($0, times) }
        var answer = response(part)
        answer.nodes = description.voters.compactMap { voter in
            let endpoints = host.endpoints(ofVoter: voter.key.id)
            guard !endpoints.isEmpty else { return nil }
            var node = DescribeQuorumResponse.Node()
            node.nodeID = voter.key.id
            node.listeners = endpoints.map { endpoint in
                var listener = DescribeQuorumResponse.Listener()
                listener.name = endpoint.listenerName
                listener.host = endpoint.host
                listener.port = endpoint.port
                return listener
            }
            return node
        }
        return answer
    }

    /// Turns the leader's monotonic times into times of day.
    private struct Times {
        let now: MonotonicInstant
        let timeOfDay: Timestamp

        func timeOfDay(_ instant: MonotonicInstant?) -> Int64 {
            instant.map { timeOfDay.value - now.milliseconds(since: $0) } ?? -1
        }
    }

    private static func replica(_ replica: DescribedReplica, _ times: Times) -> DescribeQuorumResponse.ReplicaState {
        var state = DescribeQuorumResponse.ReplicaState()
        state.replicaID = replica.key.id
        state.replicaDirectoryID = replica.key.directoryID ?? .zero
        state.logEndOffset = replica.logEnd ?? Offset(-1)
        state.lastFetchTimestamp = times.timeOfDay(replica.lastFetchAt)
        state.lastCaughtUpTimestamp = times.timeOfDay(replica.lastCaughtUpAt)
        return state
    }
}
