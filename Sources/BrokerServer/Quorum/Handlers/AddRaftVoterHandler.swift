import Primitives
import Quorum
package import WireMessages

/// AddRaftVoter (API key 80), v0–1: makes a controller that has caught up a voter (KIP-853).
///
/// On a listener for clients it is forwarded to the active controller. Errors: `INCONSISTENT_CLUSTER_ID`,
/// `INVALID_REQUEST`, `NOT_LEADER_OR_FOLLOWER`, `UNSUPPORTED_VERSION` with static voters, `DUPLICATE_VOTER`,
/// `REQUEST_TIMED_OUT` while another change is not committed or when the new voter does not catch up in time.
package struct AddRaftVoterHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners = ListenerKinds.all

    private let host: QuorumHost
    private let route: AdminRoute

    package init(_ host: QuorumHost, _ route: AdminRoute) {
        self.host = host
        self.route = route
    }

    package func handle(
        _ request: AddRaftVoterRequest, _ context: RequestContext, _ reply: Reply<AddRaftVoterResponse>
    ) {
        if route.forwards(context, reply) { return }
        guard host.accepts(clusterID: request.clusterID) else {
            return reply(AddRaftVoterResponse(.inconsistentClusterID, nil))
        }
        guard request.voterID.value >= 0, request.voterDirectoryID != .zero else {
            return reply(AddRaftVoterResponse(.invalidRequest, "\(VoterRefusal.directoryMissing)"))
        }
        let name = host.setup.controllerListenerName
        guard let first = request.listeners.first(where: { $0.name == name }), first.port > 0, !first.host.isEmpty
        else {
            return reply(AddRaftVoterResponse(.invalidRequest, "The voter has no endpoint for the listener \(name)."))
        }
        // The default listener goes first: it is where the others connect.
        let listeners = [first] + request.listeners.filter { $0 != first }
        let voter = Voter(
            key: ReplicaKey(id: request.voterID, directoryID: request.voterDirectoryID),
            endpoints: listeners.map { VoterEndpoint(listenerName: $0.name, host: $0.host, port: $0.port) })
        let ask = AddVoterAsk(
            voter: voter, timeoutMilliseconds: Int64(request.timeoutMilliseconds),
            answersWhenCommitted: request.ackWhenCommitted)
        host.change(.addVoter(ask), reply)
    }
}
