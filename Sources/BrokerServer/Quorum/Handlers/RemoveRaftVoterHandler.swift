import Primitives
import Quorum
package import WireMessages

/// RemoveRaftVoter (API key 81), v0: takes a voter's vote, the leader's own too (KIP-853).
///
/// On a listener for clients it is forwarded to the active controller. Errors: `INCONSISTENT_CLUSTER_ID`,
/// `INVALID_REQUEST`, `NOT_LEADER_OR_FOLLOWER`, `UNSUPPORTED_VERSION` with static voters, `VOTER_NOT_FOUND`,
/// `REQUEST_TIMED_OUT` while another change is not committed or when this one is not in time.
package struct RemoveRaftVoterHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners = ListenerKinds.all
    /// The request names no time: as long as an administrative request waits for a controller.
    private static let timeoutMilliseconds: Int64 = 10_000

    private let host: QuorumHost
    private let route: AdminRoute

    package init(_ host: QuorumHost, _ route: AdminRoute) {
        self.host = host
        self.route = route
    }

    package func handle(
        _ request: RemoveRaftVoterRequest, _ context: RequestContext, _ reply: Reply<RemoveRaftVoterResponse>
    ) {
        if route.forwards(context, reply) { return }
        guard host.accepts(clusterID: request.clusterID) else {
            return reply(RemoveRaftVoterResponse(.inconsistentClusterID, nil))
        }
        guard request.voterID.value >= 0, request.voterDirectoryID != .zero else {
            return reply(RemoveRaftVoterResponse(.invalidRequest, "\(VoterRefusal.directoryMissing)"))
        }
        let key = ReplicaKey(id: request.voterID, directoryID: request.voterDirectoryID)
        let ask = RemoveVoterAsk(key: key, timeoutMilliseconds: RemoveRaftVoterHandler.timeoutMilliseconds)
        host.change(.removeVoter(ask), reply)
    }
}
