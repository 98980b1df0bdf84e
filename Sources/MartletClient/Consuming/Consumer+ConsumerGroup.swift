import ClientCore
import Primitives
import WireMessages
import World

/// A group by the consumer protocol (KIP-848): the coordinator shares out, partition by partition.
extension Consumer {
    func perform(_ effect: ConsumerMembership.Effect) async throws(ClientError) {
        switch effect {
        case .findCoordinator: try await findCoordinator()
        case .heartbeat(let request):
            let response = try await cluster.send(request, to: try target())
            await apply { $0.answered(response, now: $1, using: &$2) }
        }
    }

    private func apply(
        _ work: (inout ConsumerMembership, MonotonicInstant, inout SeededGenerator) -> [ConsumerMembership.Change]
    ) async {
        guard case .group(.consumer(var membership)) = source else { return }
        var waiting = work(&membership, cluster.runtime.clock.now, &generator)
        source = .group(.consumer(membership))
        while !waiting.isEmpty { waiting = await take(waiting) }
    }

    /// - Returns: what follows when the reader has given up what it had to.
    private func take(_ changes: [ConsumerMembership.Change]) async -> [ConsumerMembership.Change] {
        var next: [ConsumerMembership.Change] = []
        for change in changes {
            switch change {
            case .assigned(let shares):
                unnamedShares += shares
                await nameShares()
            case .revoked(let shares):
                await giveUp(places(shares))
                unnamedShares.removeAll(where: shares.contains)
                guard case .group(.consumer(var membership)) = source else { continue }
                next += membership.gaveUp()
                source = .group(.consumer(membership))
            case .lost(let shares):
                lose(places(shares))
                unnamedShares.removeAll(where: shares.contains)
            case .refused(let code): failure = ClientError(code: code)
            }
        }
        return next
    }

    /// Begins to read what was assigned by the ids of topics, as soon as metadata tell their names.
    func nameShares() async {
        let (before, view) = (unnamedShares, cluster.view)
        if before.contains(where: { view.name(of: $0.topic) == nil }) {
            _ = try? await cluster.refresh(topics: topics)
        }
        let named = cluster.view
        unnamedShares = before.filter { named.name(of: $0.topic) == nil }
        let found = places(before)
        if !found.isEmpty { await begin(found) }
    }

    private func places(_ shares: [ConsumerMembership.Share]) -> [TopicPartition] {
        let view = cluster.view
        return shares.compactMap { share in view.name(of: share.topic).map { TopicPartition($0, share.partition) } }
    }

    /// Says good-bye to the group, as far as it is a member of one.
    func leaveGroup() async {
        guard case .group(let member) = source, let coordinator else { return }
        switch member {
        case .classic(let membership):
            guard let request = membership.leaveRequest() else { return }
            _ = try? await cluster.send(request, to: .broker(coordinator), timeoutMilliseconds: 5_000)
        case .consumer(let membership):
            guard let request = membership.leaveRequest(comesBack: true) else { return }
            _ = try? await cluster.send(request, to: .broker(coordinator), timeoutMilliseconds: 5_000)
        }
    }
}
