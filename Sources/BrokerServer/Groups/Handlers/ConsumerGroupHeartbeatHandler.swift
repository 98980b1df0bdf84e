import Coordinators
import Primitives
package import WireMessages
package import World

/// Keeps a member of a consumer group in it, and tells it which partitions are its.
///
/// - Errors: those of `GroupShard.consumerHeartbeat`, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS,
///   COORDINATOR_NOT_AVAILABLE; UNSUPPORTED_VERSION where `group.coordinator.rebalance.protocols` or the feature
///   `group.version` leaves the protocol out.
/// - Source: KIP-848.
package struct ConsumerGroupHeartbeatHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...1
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost
    private let randomness: any Randomness

    package init(_ groups: GroupCoordinatorHost, randomness: any Randomness) {
        self.groups = groups
        self.randomness = randomness
    }

    package func handle(
        _ request: ConsumerGroupHeartbeatRequest, _ context: RequestContext,
        _ reply: Reply<ConsumerGroupHeartbeatResponse>
    ) {
        guard groups.servesConsumerProtocol else {
            return reply(ConsumerGroupHeartbeatHandler.refusal(.unsupportedVersion))
        }
        let origin = RequestOrigin(
            clientID: context.clientID ?? "", clientHost: "/\(context.remote.host)", version: context.version)
        let newID = UUID128(high: randomness.next(), low: randomness.next()).asVersion4
        groups.submit(
            request.groupID,
            answered: { answer in
                guard case .consumerHeartbeat(let response) = answer else {
                    preconditionFailure("a heartbeat is answered by a heartbeat")
                }
                reply(response)
            },
            refused: { reply(ConsumerGroupHeartbeatHandler.refusal($0)) }
        ) { shard, ticket, time in
            shard.consumerHeartbeat(request, from: origin, ticket: ticket, newID: newID, at: time)
        }
    }

    private static func refusal(_ error: ErrorCode) -> ConsumerGroupHeartbeatResponse {
        var response = ConsumerGroupHeartbeatResponse()
        response.errorCode = error
        return response
    }
}
