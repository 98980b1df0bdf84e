import Coordinators
import Primitives
package import WireMessages
package import World

/// Lets a member into its group, and answers when the group is complete.
///
/// - Errors: those of `GroupShard.join`, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, UNSUPPORTED_VERSION never:
///   a `group.instance.id` exists from version 5 on only.
/// - Source: KIP-62, KIP-345, KIP-394, KIP-559, KIP-800, KIP-814.
package struct JoinGroupHandler: RequestHandler {
    package static let versions: ClosedRange<Int16> = 0...9
    package static let listeners: ListenerKinds = .client

    private let groups: GroupCoordinatorHost
    private let randomness: any Randomness

    package init(_ groups: GroupCoordinatorHost, randomness: any Randomness) {
        self.groups = groups
        self.randomness = randomness
    }

    package func handle(_ request: JoinGroupRequest, _ context: RequestContext, _ reply: Reply<JoinGroupResponse>) {
        let version = context.version
        let origin = RequestOrigin(
            clientID: context.clientID ?? "", clientHost: "/\(context.remote.host)", version: version)
        let newID = UUID128(high: randomness.next(), low: randomness.next()).asVersion4
        groups.submit(
            request.groupID,
            answered: { answer in
                guard case .join(let response) = answer else { preconditionFailure("a join is answered by a join") }
                reply(JoinGroupHandler.fitted(response, to: version))
            },
            refused: { error in
                var response = JoinGroupResponse()
                response.errorCode = error
                response.memberID = request.memberID
                response.protocolName = nil
                reply(JoinGroupHandler.fitted(response, to: version))
            }
        ) { shard, ticket, time in
            shard.join(request, from: origin, ticket: ticket, newID: newID, at: time)
        }
    }

    /// Before version 7 the protocol's name can't be null.
    private static func fitted(_ response: JoinGroupResponse, to version: Int16) -> JoinGroupResponse {
        var response = response
        if version < 7 { response.protocolName = response.protocolName ?? "" }
        return response
    }
}

extension UUID128 {
    /// The same random bits, marked as a random id (version 4).
    var asVersion4: UUID128 {
        UUID128(high: high & ~0xF000 | 0x4000, low: low & ~(0b11 << 62) | (0b10 << 62))
    }
}
