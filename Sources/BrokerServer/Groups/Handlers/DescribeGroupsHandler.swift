import Coordinators
import Primitives
package import WireMessages

/// Shows groups and their members.
///
/// - Errors: for each group NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, and from version 6 GROUP_ID_NOT_FOUND;
///   before that a group that is not there, or is a consumer group, is shown as Dead.
/// - Source: KIP-430 (authorized operations), KIP-1043 (not found).
package struct DescribeGroupsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...6
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost

    package init(_ groups: GroupCoordinatorHost) { self.groups = groups }

    package func handle(
        _ request: DescribeGroupsRequest, _ context: RequestContext, _ reply: Reply<DescribeGroupsResponse>
    ) {
        var response = DescribeGroupsResponse()
        response.groups = request.groups.map { id in
            var described = describe(id, version: context.version)
            if context.version >= 3, request.includeAuthorizedOperations, described.errorCode == .noError {
                described.authorizedOperations = DescribeGroupsHandler.allOperations
            }
            return described
        }
        reply(response)
    }

    /// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS: what can be allowed on a group, and without an
    /// authorizer is.
    static let allOperations: Int32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11

    private func describe(_ id: String, version: Int16) -> DescribeGroupsResponse.DescribedGroup {
        var absent = DescribeGroupsResponse.DescribedGroup()
        absent.groupID = id
        switch groups.access(id, { shard, _ in (shard.describe(id), shard.isConsumerGroup(id)) }) {
        case .success((.some(let found), _)): return found
        case .success((nil, let isConsumerGroup)):
            absent.groupState = "Dead"
            if version >= 6 {
                absent.errorCode = .groupIDNotFound
                absent.errorMessage = "Group \(id) \(isConsumerGroup ? "is not a classic group" : "not found")."
            }
        case .failure(let refusal): absent.errorCode = refusal.code
        }
        return absent
    }
}
