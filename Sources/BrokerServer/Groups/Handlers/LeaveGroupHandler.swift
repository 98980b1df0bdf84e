import Coordinators
import Primitives
package import WireMessages

/// Takes members out of their group at once.
///
/// - Errors: for each member UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID; for all INVALID_GROUP_ID, UNKNOWN_MEMBER_ID (no
///   such group), NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS. Below version 3 the one member's error is that of all.
/// - Source: KIP-345 (many members), KIP-800 (reason).
package struct LeaveGroupHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...5
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost

    package init(_ groups: GroupCoordinatorHost) { self.groups = groups }

    package func handle(_ request: LeaveGroupRequest, _ context: RequestContext, _ reply: Reply<LeaveGroupResponse>) {
        let isSingle = context.version < 3
        var members = request.members
        if isSingle {
            var only = LeaveGroupRequest.MemberIdentity()
            only.memberID = request.memberID
            members = [only]
        }
        groups.submit(
            request.groupID,
            answered: { answer in
                guard case .leave(var response) = answer else { preconditionFailure("a leave is answered by a leave") }
                if isSingle {
                    let ofMember = response.members.first?.errorCode ?? .noError
                    if response.errorCode == .noError { response.errorCode = ofMember }
                    response.members = []
                }
                reply(response)
            },
            refused: { error in
                var response = LeaveGroupResponse()
                response.errorCode = error
                reply(response)
            }
        ) { shard, ticket, time in
            shard.leave(members, of: request.groupID, ticket: ticket, at: time)
        }
    }
}
