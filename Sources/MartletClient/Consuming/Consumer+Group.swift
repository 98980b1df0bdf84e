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
        guard case .group(let member) = source else { return }
        let now = cluster.runtime.clock.now
        guard now >= nextLook ?? now else { return }
        guard matching != nil || nextLook != nil else {
            // What is named is learned when it is divided.
            nextLook = now.advanced(byMilliseconds: Consumer.missingTopicMilliseconds)
            return
        }
        nextLook = now.advanced(byMilliseconds: cluster.configuration.metadataAgeMillisecondsMax)
        try await cluster.refresh(topics: matching == nil ? member.topics : nil)
        let known = cluster.view.topics
        var isUnsettled = false
        if let matching {
            let wanted = cluster.view.topicNames.filter { known[$0]?.isInternal == false && matching($0) }
            isUnsettled = await subscribe(to: wanted) == false || wanted.isEmpty
        }
        if case .group(.classic(var membership)) = source {
            let changes = membership.seen(known.mapValues(\.partitions.count))
            source = .group(.classic(membership))
            await apply(changes)
        }
        if isUnsettled || topics.contains(where: { known[$0] == nil }) {
            nextLook = now.advanced(byMilliseconds: Consumer.missingTopicMilliseconds)
        }
    }

    /// - Returns: false while the member is about to join: it has to be called again later.
    private func subscribe(to topics: [String]) async -> Bool {
        switch source {
        case .group(.classic(var membership)):
            let changes = membership.subscribe(to: topics)
            source = .group(.classic(membership))
            await apply(changes ?? [])
            return changes != nil
        case .group(.consumer(var membership)):
            membership.subscribe(to: topics)
            source = .group(.consumer(membership))
            return true
        case .topics, .partitions: return true
        }
    }

    /// Does what the membership asks for next, until it waits for time to pass.
    func tendGroup() async throws(ClientError) {
        if matching != nil, topics.isEmpty { return }
        while !isClosed, case .group(var member) = source {
            let effect = member.advance(now: cluster.runtime.clock.now)
            source = .group(member)
            guard let effect else { break }
            do throws(ClientError) {
                switch effect {
                case .classic(let effect): try await perform(effect)
                case .consumer(let effect): try await perform(effect)
                }
            } catch {
                guard error.isRetriable else { throw error }
                let now = cluster.runtime.clock.now
                change { $0.unanswered(now: now, using: &self.generator) }
                _ = try? await cluster.refresh(topics: topics)
            }
        }
        if !unnamedShares.isEmpty { await nameShares() }
    }

    func findCoordinator() async throws(ClientError) {
        guard case .group(let member) = source else { return }
        coordinator = try await Admin(cluster).coordinator(of: member.groupID)
        change { $0.coordinatorFound() }
    }

    func target() throws(ClientError) -> ClusterClient.Target {
        guard let coordinator else { throw ClientError(code: .coordinatorNotAvailable) }
        return .broker(coordinator)
    }

    private func change(_ work: (inout GroupMember) -> Void) {
        guard case .group(var member) = source else { return }
        work(&member)
        source = .group(member)
    }

    // MARK: partitions

    /// From now on these are read, too.
    func begin(_ places: [TopicPartition]) async {
        _ = try? await cluster.refresh(topics: topics)
        positions.assign(positions.assigned + places, startingAt: .needsCommitted)
        rebalanceTime.end(now: cluster.runtime.clock.now)
    }

    /// These go to other members, who begin where this one commits.
    func giveUp(_ places: [TopicPartition]) async {
        buffer.drop(of: places)
        if options.commitsAutomatically { try? await commit() }
        forget(places)
    }

    /// These may be read by others already.
    func lose(_ places: [TopicPartition]) {
        buffer.drop(of: places)
        forget(places)
    }

    private func forget(_ places: [TopicPartition]) {
        let left = positions.assigned.filter { !places.contains($0) }
        if left.isEmpty { rebalanceTime.begin(now: cluster.runtime.clock.now) }
        positions.assign(left, startingAt: .needsCommitted)
        read.leave(places)
    }
}
