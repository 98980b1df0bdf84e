import Primitives
import Quorum
package import WireMessages

/// EndQuorumEpoch (API key 54), v0–1: a leader hands over.
///
/// Errors: `INCONSISTENT_CLUSTER_ID`, `INVALID_REQUEST`, `FENCED_LEADER_EPOCH`.
package struct EndQuorumEpochHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners = ListenerKinds.controller

    private let host: QuorumHost

    package init(_ host: QuorumHost) { self.host = host }

    package func handle(
        _ request: EndQuorumEpochRequest, _ context: RequestContext, _ reply: Reply<EndQuorumEpochResponse>
    ) {
        guard let part = request.partition(host, reply) else { return }
        let candidates = part.preferredCandidates.map { MetadataPartition.key($0.candidateID, $0.candidateDirectoryID) }
        let successors = candidates.isEmpty ? part.preferredSuccessors.map { ReplicaKey(id: $0) } : candidates
        let notice = EndEpochNotice(leaderID: part.leaderID, epoch: part.leaderEpoch, successors: successors)
        host.onLoop { [host] in host.take(.endEpoch(notice), from: part.leaderID, context, reply) }
    }
}
