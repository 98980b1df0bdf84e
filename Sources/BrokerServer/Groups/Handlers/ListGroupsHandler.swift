import Coordinators
import Primitives
package import WireMessages

/// Lists the groups that this broker coordinates.
///
/// - Errors: COORDINATOR_LOAD_IN_PROGRESS while a part of them is being loaded.
/// - Source: KIP-518 (states), KIP-848 (types).
package struct ListGroupsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...5
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost

    package init(_ groups: GroupCoordinatorHost) { self.groups = groups }

    package func handle(_ request: ListGroupsRequest, _ context: RequestContext, _ reply: Reply<ListGroupsResponse>) {
        var response = ListGroupsResponse()
        let lists = groups.accessAll { shard in shard.list(states: request.statesFilter, types: request.typesFilter) }
        switch lists {
        case .success(let found): response.groups = found.flatMap { $0 }.sorted { $0.groupID < $1.groupID }
        case .failure(let refusal): response.errorCode = refusal.code
        }
        reply(response)
    }
}
