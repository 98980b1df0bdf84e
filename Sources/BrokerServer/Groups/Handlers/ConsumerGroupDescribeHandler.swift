import Coordinators
import Primitives
package import WireMessages

/// Shows consumer groups, their members, and what these own and are to own.
///
/// - Errors: for each group GROUP_ID_NOT_FOUND (also a group of the classic protocol), INVALID_GROUP_ID,
///   NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS; UNSUPPORTED_VERSION where the protocol is left out.
/// - Source: KIP-848, KIP-1099 (version 1: the kind of each member).
package struct ConsumerGroupDescribeHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners: ListenerKinds = .client

    private typealias Described = ConsumerGroupDescribeResponse.DescribedGroup

    private let groups: GroupCoordinatorHost

    package init(_ groups: GroupCoordinatorHost) { self.groups = groups }

    package func handle(
        _ request: ConsumerGroupDescribeRequest, _ context: RequestContext,
        _ reply: Reply<ConsumerGroupDescribeResponse>
    ) {
        var response = ConsumerGroupDescribeResponse()
        response.groups = request.groupIDs.map { id in
            var described = describe(id)
            if request.includeAuthorizedOperations, described.errorCode == .noError {
                described.authorizedOperations = DescribeGroupsHandler.allOperations
            }
            return described
        }
        reply(response)
    }

    private func describe(_ id: String) -> Described {
        var absent = Described()
        absent.groupID = id
        guard groups.servesConsumerProtocol else {
            absent.errorCode = .unsupportedVersion
            return absent
        }
        if id.isEmpty {
            absent.errorCode = .invalidGroupID
            return absent
        }
        let found = groups.access(id) { shard, _ in (shard.describeConsumerGroup(id), shard.contains(id)) }
        switch found {
        case .success((.some(let described), _)): return described
        case .success((nil, let isOther)):
            absent.errorCode = .groupIDNotFound
            absent.errorMessage = isOther ? "Group \(id) is not a consumer group." : "Group \(id) not found."
        case .failure(let refusal): absent.errorCode = refusal.code
        }
        return absent
    }
}
