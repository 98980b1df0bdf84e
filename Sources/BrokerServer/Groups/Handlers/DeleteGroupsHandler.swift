import Coordinators
import Primitives
import Synchronization
package import WireMessages

/// Deletes groups without members, with what they committed.
///
/// - Errors: for each group GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, or what
///   the write of the tombstones met.
package struct DeleteGroupsHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...2
    package static let listeners: ListenerKinds = .client

    private typealias GroupResult = DeleteGroupsResponse.DeletableGroupResult

    private let groups: GroupCoordinatorHost

    package init(_ groups: GroupCoordinatorHost) { self.groups = groups }

    package func handle(
        _ request: DeleteGroupsRequest, _ context: RequestContext, _ reply: Reply<DeleteGroupsResponse>
    ) {
        let names = request.groupsNames
        guard !names.isEmpty else { return reply(DeleteGroupsResponse()) }
        let collected = Collected(expected: names.count) { results in
            var response = DeleteGroupsResponse()
            response.results = results
            reply(response)
        }
        for (index, name) in names.enumerated() {
            groups.submit(
                name,
                answered: { answer in
                    guard case .deleteGroups(let results) = answer, let result = results.first else {
                        preconditionFailure("a deletion is answered by a deletion")
                    }
                    collected.add(result, at: index)
                },
                refused: { error in
                    var result = GroupResult()
                    result.groupID = name
                    result.errorCode = error
                    collected.add(result, at: index)
                }
            ) { shard, ticket, time in
                shard.deleteGroups([name], ticket: ticket, at: time)
            }
        }
    }

    /// The results of many groups, which come from many shards; the last one makes the answer.
    private final class Collected: Sendable {
        private let results: Mutex<(found: [GroupResult?], missing: Int)>
        private let whenComplete: @Sendable ([GroupResult]) -> Void

        init(expected: Int, whenComplete: @escaping @Sendable ([GroupResult]) -> Void) {
            results = Mutex((found: Array(repeating: nil, count: expected), missing: expected))
            self.whenComplete = whenComplete
        }

        func add(_ result: GroupResult, at index: Int) {
            let complete: [GroupResult]? = results.withLock { results in
                results.found[index] = result
                results.missing -= 1
                return results.missing == 0 ? results.found.compactMap { $0 } : nil
            }
            if let complete { whenComplete(complete) }
        }
    }
}
