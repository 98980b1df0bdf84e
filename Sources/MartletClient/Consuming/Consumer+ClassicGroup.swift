import ClientCore
import Primitives
import WireMessages
import World

/// A group by the classic protocol: the members share out among themselves.
extension Consumer {
    func perform(_ effect: GroupMembership.Effect) async throws(ClientError) {
        switch effect {
        case .findCoordinator: try await findCoordinator()
        case .join(let request):
            let wait = Int64(request.rebalanceTimeoutMilliseconds) + 5_000
            let response = try await cluster.send(request, to: try target(), timeoutMilliseconds: wait)
            await apply { $0.answered(response, now: $1, using: &$2) }
        case .countPartitions(let topics):
            _ = try await cluster.refresh(topics: topics, allowsCreation: true)
            let view = cluster.view
            await apply { membership, _, _ in
                membership.counted(view.topics.mapValues { $0.partitions.count })
                return []
            }
        case .sync(let request):
            let wait = cluster.configuration.requestTimeoutMilliseconds
            let response = try await cluster.send(request, to: try target(), timeoutMilliseconds: wait)
            await apply { $0.answered(response, now: $1, using: &$2) }
        case .heartbeat(let request):
            let response = try await cluster.send(request, to: try target())
            await apply { $0.answered(response, now: $1, using: &$2) }
        }
    }

    private func apply(
        _ work: (inout GroupMembership, MonotonicInstant, inout SeededGenerator) -> [GroupMembership.Change]
    ) async {
        guard case .group(.classic(var membership)) = source else { return }
        let changes = work(&membership, cluster.runtime.clock.now, &generator)
        source = .group(.classic(membership))
        await apply(changes)
    }

    func apply(_ changes: [GroupMembership.Change]) async {
        for change in changes {
            switch change {
            case .assigned(let places): await begin(places)
            case .revoked(let places): await giveUp(places)
            case .lost(let places): lose(places)
            case .refused(let code): failure = ClientError(code: code)
            }
        }
    }
}
