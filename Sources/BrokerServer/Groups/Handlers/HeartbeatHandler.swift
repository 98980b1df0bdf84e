import Coordinators
import Primitives
package import WireMessages

/// Keeps a member's session alive and tells it of a rebalance.
///
/// - Errors: those of `GroupShard.heartbeat`, NOT_COORDINATOR. A coordinator that is loading answers without error: the
///   members it will know start with a fresh session.
package struct HeartbeatHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...4
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost

    package init(_ groups: GroupCoordinatorHost) { self.groups = groups }

    package func handle(_ request: HeartbeatRequest, _ context: RequestContext, _ reply: Reply<HeartbeatResponse>) {
        var response = HeartbeatResponse()
        switch groups.access(request.groupID, { shard, time in shard.heartbeat(request, at: time) }) {
        case .success(let error): response.errorCode = error
        case .failure(let refusal) where refusal.code == .coordinatorLoadInProgress: break
        case .failure(let refusal): response.errorCode = refusal.code
        }
        reply(response)
    }
}
