import Primitives
import Quorum
package import WireMessages

/// UpdateRaftVoter (API key 82), v0: a voter tells the leader where it listens and what it can do (KIP-853).
///
/// Errors: `INCONSISTENT_CLUSTER_ID`, `INVALID_REQUEST`, `FENCED_LEADER_EPOCH`, `UNKNOWN_LEADER_EPOCH`,
/// `NOT_LEADER_OR_FOLLOWER`, `VOTER_NOT_FOUND`, `REQUEST_TIMED_OUT` while another change is not committed.
package struct UpdateRaftVoterHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners = ListenerKinds.controller

    private let host: QuorumHost

    package init(_ host: QuorumHost) { self.host = host }

    package func handle(
        _ request: UpdateRaftVoterRequest, _ context: RequestContext, _ reply: Reply<UpdateRaftVoterResponse>
    ) {
        var response = UpdateRaftVoterResponse()
        guard host.accepts(clusterID: request.clusterID) else {
            response.errorCode = .inconsistentClusterID
            return reply(response)
        }
        let versions = request.kRaftVersionFeature
        let name = host.setup.controllerListenerName
        guard request.voterID.value >= 0, request.voterDirectoryID != .zero,
            let first = request.listeners.first(where: { $0.name == name }), first.port > 0, !first.host.isEmpty,
            versions.minSupportedVersion <= versions.maxSupportedVersion, request.currentLeaderEpoch >= .zero
        else {
            response.errorCode = .invalidRequest
            return reply(response)
        }
        let voter = Voter(
            key: ReplicaKey(id: request.voterID, directoryID: request.voterDirectoryID),
            endpoints: request.listeners.map { VoterEndpoint(listenerName: $0.name, host: $0.host, port: $0.port) },
            kraftVersions: versions.minSupportedVersion...versions.maxSupportedVersion)
        let ask = UpdateVoterAsk(voter: voter, epoch: request.currentLeaderEpoch)
        host.onLoop { [host] in
            host.ask(.updateVoter(ask)) { answer in
                guard case .voterChange(let verdict, _) = answer else { return }
                reply(UpdateRaftVoterHandler.response(verdict, host))
            }
        }
    }

    private static func response(_ verdict: Verdict, _ host: QuorumHost) -> UpdateRaftVoterResponse {
        var response = UpdateRaftVoterResponse()
        response.errorCode = verdict.error
        response.currentLeader.leaderID = verdict.leaderID ?? BrokerID(-1)
        response.currentLeader.leaderEpoch = verdict.epoch
        if let endpoint = verdict.leaderID.flatMap({ host.endpoint(of: $0) }) {
            response.currentLeader.host = endpoint.host
            response.currentLeader.port = Int32(endpoint.port)
        }
        return response
    }
}
