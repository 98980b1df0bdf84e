import Coordinators
import Primitives
package import WireMessages

/// Brings the leader's assignment, or waits for it.
///
/// - Errors: those of `GroupShard.sync`, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, INCONSISTENT_GROUP_PROTOCOL for
///   a version 5 that names no protocol.
/// - Source: KIP-62, KIP-345, KIP-559.
package struct SyncGroupHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...5
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost

    package init(_ groups: GroupCoordinatorHost) { self.groups = groups }

    package func handle(_ request: SyncGroupRequest, _ context: RequestContext, _ reply: Reply<SyncGroupResponse>) {
        func refuse(_ error: ErrorCode) {
            var response = SyncGroupResponse()
            response.errorCode = error
            reply(response)
        }
        if context.version >= 5, request.protocolType == nil || request.protocolName == nil {
            return refuse(.inconsistentGroupProtocol)
        }
        groups.submit(
            request.groupID,
            answered: { answer in
                guard case .sync(let response) = answer else { preconditionFailure("a sync is answered by a sync") }
                reply(response)
            }, refused: refuse
        ) { shard, ticket, time in
            shard.sync(request, ticket: ticket, at: time)
        }
    }
}
