import ClientCore
import Primitives
import WireMessages
import World

/// The membership of a group, and the topics that it is of.
extension Consumer {
    /// How often topics are looked for that do not exist yet, or could not be joined for.
    private static let missingTopicMilliseconds: Int64 = 1_000

    /// Looks from time to time for topics that came or went, and for partitions that were added.
    func followTopics() async throws(ClientError) {
        guard case .group(let membership) = source else { return }
        let now = cluster.runtime.clock.now
        guard now >= nextLook ?? now else { return }
        guard matching != nil || nextLook != nil else {
            // What is named is learned when it is divided.
            nextLook = now.advanced(byMilliseconds: Consumer.missingTopicMilliseconds)
            return
        }
        nextLook = now.advanced(byMilliseconds: cluster.configuration.metadataAgeMillisecondsMax)
        try await cluster.refresh(topics: matching == nil ? membership.settings.topics : nil)
        let known = cluster.view.topics
        var isUnsettled = false
        if let matching {
            let wanted = cluster.view.topicNames.filter { known[$0]?.isInternal == false && matching($0) }
            let changes = changing { $0.subscribe(to: wanted) }
            isUnsettled = changes == nil || wanted.isEmpty
            await apply(changes ?? [])
        }
        await apply(changing { $0.seen(known.mapValues(\.partitions.count)) })
        if isUnsettled || topics.contains(where: { known[$0] == nil }) {
            nextLook = now.advanced(byMilliseconds: Consumer.missingTopicMilliseconds)
        }
    }

    /// Does what the membership asks for next, until it waits for time to pass.
    func tendGroup() async throws(ClientError) {
        if matching != nil, topics.isEmpty { return }
        while !isClosed, case .group(var membership) = source {
            let effect = membership.advance(now: cluster.runtime.clock.now)
            source = .group(membership)
            guard let effect else { return }
            try await perform(effect)
        }
    }

    private func perform(_ effect: GroupMembership.Effect) async throws(ClientError) {
        do throws(ClientError) {
            switch effect {
            case .findCoordinator:
                coordinator = try await Admin(cluster).coordinator(of: groupID)
                change { $0.coordinatorFound() }
            case .join(let request):
                let wait = Int64(request.rebalanceTimeoutMilliseconds) + 5_000
                let response = try await cluster.send(request, to: try target(), timeoutMilliseconds: wait)
                await apply { $0.answered(response, now: $1, using: &$2) }
            case .countPartitions(let topics):
                _ = try await cluster.refresh(topics: topics, allowsCreation: true)
                let view = cluster.view
                change { $0.counted(view.topics.mapValues { $0.partitions.count }) }
            case .sync(let request):
                let wait = cluster.configuration.requestTimeoutMilliseconds
                let response = try await cluster.send(request, to: try target(), timeoutMilliseconds: wait)
                await apply { $0.answered(response, now: $1, using: &$2) }
            case .heartbeat(let request):
                let response = try await cluster.send(request, to: try target())
                await apply { $0.answered(response, now: $1, using: &$2) }
            }
        } catch {
            if error.isRetriable {
                let now = cluster.runtime.clock.now
                change { $0.unanswered(now: now, using: &self.generator) }
                _ = try? await cluster.refresh(topics: topics)
            } else {
                throw error
            }
        }
    }

    private var groupID: String {
        if case .group(let membership) = source { membership.settings.groupID } else { "" }
    }

    private func target() throws(ClientError) -> ClusterClient.Target {
        guard let coordinator else { throw ClientError(code: .coordinatorNotAvailable) }
        return .broker(coordinator)
    }

    private func change(_ work: (inout GroupMembership) -> Void) {
        guard case .group(var membership) = source else { return }
        work(&membership)
        source = .group(membership)
    }

    private func changing<Changes>(_ work: (inout GroupMembership) -> Changes) -> Changes {
        guard case .group(var membership) = source else { preconditionFailure("only a member of a group changes") }
        defer { source = .group(membership) }
        return work(&membership)
    }

    private func apply(
        _ work: (inout GroupMembership, MonotonicInstant, inout SeededGenerator) -> [GroupMembership.Change]
    ) async {
        guard case .group(var membership) = source else { return }
        let changes = work(&membership, cluster.runtime.clock.now, &generator)
        source = .group(membership)
        await apply(changes)
    }

    private func apply(_ changes: [GroupMembership.Change]) async {
        for change in changes {
            switch change {
            case .assigned(let places):
                _ = try? await cluster.refresh(topics: topics)
                positions.assign(places, startingAt: .needsCommitted)
                rebalanceTime.end(now: cluster.runtime.clock.now)
            case .revoked(let places):
                buffer.drop(of: places)
                if options.commitsAutomatically { try? await commit() }
                forget(places)
            case .lost(let places):
                buffer.drop(of: places)
                forget(places)
            case .refused(let code): failure = ClientError(code: code)
            }
        }
    }

    private func forget(_ places: [TopicPartition]) {
        rebalanceTime.begin(now: cluster.runtime.clock.now)
        positions.assign([], startingAt: .needsCommitted)
        read.leave(places)
    }
}
