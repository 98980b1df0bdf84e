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
        guard let part = request.partition(host, reply) else { return }
        let voter = MetadataPartition.node(request.voterID).map { MetadataPartition.key($0, part.voterDirectoryID) }
        let notice = BeginEpochNotice(leaderID: part.leaderID, epoch: part.leaderEpoch, voter: voter)
        let endpoint = request.leaderEndpoints.first { $0.name == host.setup.controllerListenerName }
        let known = endpoint ?? request.leaderEndpoints.first
        host.onLoop { [host] in
            // A new leader may be at an address that this node's log does not tell yet.
            if let known { host.peers?.learn(part.leaderID, host: known.host, port: Int(known.port)) }
            host.take(.beginEpoch(notice), from: part.leaderID, context, reply)
        }
    }
}
