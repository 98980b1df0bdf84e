import Primitives
import Quorum
package import WireMessages

/// Vote (API key 52), v0–2: a voter asks for a vote, from v2 on also for a pre-vote.
///
/// Errors: `INCONSISTENT_CLUSTER_ID`, `INVALID_REQUEST`, `FENCED_LEADER_EPOCH`, `INVALID_VOTER_KEY`.
package struct VoteHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners = ListenerKinds.controller

    private let host: QuorumHost

    package init(_ host: QuorumHost) { self.host = host }

    package func handle(_ request: VoteRequest, _ context: RequestContext, _ reply: Reply<VoteResponse>) {
        guard let part = request.partition(host, reply) else { return }
        let voter = MetadataPartition.node(request.voterID).map { MetadataPartition.key($0, part.voterDirectoryID) }
        let ask = VoteAsk(
            candidate: MetadataPartition.key(part.replicaID, part.replicaDirectoryID),
            epoch: LeaderEpoch(part.replicaEpoch), lastEpoch: LeaderEpoch(part.lastOffsetEpoch),
            lastOffset: part.lastOffset, isPreVote: part.preVote, voter: voter)
        host.onLoop { [host] in
            host.noteMake(of: part.replicaID, context)
            host.ask(.vote(ask)) { answer in
                guard case .vote(let verdict, let isGranted) = answer else { return }
                reply(VoteResponse(verdict, host) { $0.voteGranted = isGranted })
            }
        }
    }
}
