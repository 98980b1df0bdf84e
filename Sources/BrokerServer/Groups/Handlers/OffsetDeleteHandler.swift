import Coordinators
package import Metadata
import Primitives
package import WireMessages

/// Forgets offsets that a group committed, for topics that it does not read any more.
///
/// - Errors: those of `GroupShard.deleteOffsets`, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, or what the write of
///   the tombstones met; for each partition UNKNOWN_TOPIC_OR_PARTITION.
/// - Source: KIP-496.
package struct OffsetDeleteHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...0
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost
    private let image: @Sendable () -> MetadataImage

    package init(_ groups: GroupCoordinatorHost, image: @escaping @Sendable () -> MetadataImage) {
        self.groups = groups
        self.image = image
    }

    package func handle(
        _ request: OffsetDeleteRequest, _ context: RequestContext, _ reply: Reply<OffsetDeleteResponse>
    ) {
        let topics = image().topics
        groups.submit(
            request.groupID,
            answered: { answer in
                guard case .offsetDelete(let response) = answer else {
                    preconditionFailure("a deletion of offsets is answered by one")
                }
                reply(response)
            },
            refused: { error in
                var response = OffsetDeleteResponse()
                response.errorCode = error
                reply(response)
            }
        ) { shard, ticket, time in
            shard.deleteOffsets(request, ticket: ticket, at: time) { topics[name: $0]?[$1] != nil }
        }
    }
}
