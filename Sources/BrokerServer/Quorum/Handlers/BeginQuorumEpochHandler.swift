import Primitives
import Quorum
package import WireMessages

/// BeginQuorumEpoch (API key 53), v0–1: a new leader makes itself known.
///
/// Errors: `INCONSISTENT_CLUSTER_ID`, `INVALID_REQUEST`, `FENCED_LEADER_EPOCH`, `INVALID_VOTER_KEY`.
package struct BeginQuorumEpochHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners = ListenerKinds.controller

    private let host: QuorumHost

    package init(_ host: QuorumHost) { self.host = host }

    package func handle(
        _ request: BeginQuorumEpochRequest, _ context: RequestContext, _ reply: Reply<BeginQuorumEpochResponse>
    ) {
        var response = BeginQuorumEpochResponse()
        guard host.accepts(clusterID: request.clusterID) else {
            response.errorCode = .inconsistentClusterID
            return reply(response)
        }
        guard request.topics.count == 1, request.topics[0].topicName == MetadataPartition.topic,
            request.topics[0].partitions.count == 1, let part = request.topics[0].partitions.first,
            part.partitionIndex == MetadataPartition.index
        else {
            response.errorCode = .invalidRequest
            return reply(response)
        }
        let voter = MetadataPartition.node(request.voterID).map { MetadataPartition.key($0, part.voterDirectoryID) }
        let notice = BeginEpochNotice(leaderID: part.leaderID, epoch: part.leaderEpoch, voter: voter)
        host.onLoop { [host] in
            host.ask(.beginEpoch(notice)) { answer in
                guard case .beginEpoch(let verdict) = answer else { return }
                reply(BeginQuorumEpochHandler.response(verdict, host))
            }
        }
    }

    private static func response(_ verdict: Verdict, _ host: QuorumHost) -> BeginQuorumEpochResponse {
        var part = BeginQuorumEpochResponse.PartitionData()
        part.partitionIndex = MetadataPartition.index
        part.errorCode = verdict.error
        part.leaderID = verdict.leaderID ?? BrokerID(-1)
        part.leaderEpoch = verdict.epoch
        var topic = BeginQuorumEpochResponse.TopicData()
        topic.topicName = MetadataPartition.topic
        topic.partitions = [part]
        var response = BeginQuorumEpochResponse()
        response.topics = [topic]
        if let id = verdict.leaderID, let endpoint = host.endpoint(of: id) {
            var node = BeginQuorumEpochResponse.NodeEndpoint()
            node.nodeID = id
            node.host = endpoint.host
            node.port = endpoint.port
            response.nodeEndpoints = [node]
        }
        return response
    }
}
