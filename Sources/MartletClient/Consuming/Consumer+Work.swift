import ClientCore
import Primitives
import WireMessages
import World

/// What goes on in the background while records are read: one round after the other.
extension Consumer {
    /// Starts the loop that keeps the membership and the fetches going; it ends with the consumer.
    func start() {
        guard !isWorking else { return }
        isWorking = true
        if case .group = source, positions.assigned.isEmpty { rebalanceTime.begin(now: cluster.runtime.clock.now) }
        Task {
            while !isClosed, failure == nil { await work() }
            isWorking = false
            wake()
        }
    }

    static let idleMilliseconds: Int64 = 20

    /// One round: the group, then positions, then fetches from all leaders that are not asked already.
    private func work() async {
        do throws(ClientError) {
            try await followTopics()
            try await tendGroup()
            try await assignTopics()
            try await findPositions()
            try await fetchAll()
            try await commitIfDue()
            failedAttempts = 0
        } catch {
            guard error.isRetriable, !isClosed else {
                if !isClosed { failure = error }
                return
            }
            if error.kind == .connection, failedAttempts > Consumer.failedAttemptsMax { failure = error }
            failedAttempts += 1
            _ = try? await cluster.refresh(topics: topics)
            await cluster.runtime.sleep(milliseconds: cluster.backoff(after: failedAttempts))
            return
        }
        await cluster.runtime.sleep(milliseconds: Consumer.idleMilliseconds)
    }

    /// Rounds in a row in which no broker can be reached, before the reader is told.
    private static let failedAttemptsMax = 30

    var topics: [String] {
        switch source {
        case .group(let member): member.topics
        case .topics(let topics): topics
        case .partitions: Set(positions.assigned.map(\.topic)).sorted()
        }
    }

    private func assignTopics() async throws(ClientError) {
        switch source {
        case .group: return
        case .partitions:
            for topic in topics where cluster.view.topics[topic] == nil {
                try await cluster.awaitTopic(topic, allowsCreation: false)
            }
        case .topics(let topics):
            guard positions.assigned.isEmpty else { return }
            for topic in topics { try await cluster.awaitTopic(topic, allowsCreation: true) }
            let view = cluster.view
            let places = topics.flatMap { topic in
                (view.topics[topic]?.partitions ?? []).map { TopicPartition(topic, $0.index) }
            }
            positions.assign(places, startingAt: .needsReset(options.resetPolicy))
        }
    }

    private func findPositions() async throws(ClientError) {
        if case .group(let member) = source, let coordinator, !positions.needingCommitted.isEmpty {
            let asked = positions.needingCommitted
            let request = CommittedOffsets.request(group: member.groupID, places: asked)
            let response = try await cluster.send(
                request, to: .broker(coordinator), upTo: CommittedOffsets.versionMax)
            let answer = CommittedOffsets.answer(response)
            guard answer.error == .noError else { throw ClientError(code: answer.error) }
            for place in asked {
                let position = answer.offsets[place]
                let known = position ?? read.left(place)
                positions.committed(place, known?.offset, epoch: known?.leaderEpoch)
            }
        }
        for policy in [ConsumerPositions.ResetPolicy.earliest, .latest] {
            let places = positions.needingReset.filter { $0.policy == policy }.map(\.place)
            guard !places.isEmpty else { continue }
            let found = try await Admin(cluster).offsets(of: places, at: policy == .earliest ? .earliest : .latest)
            for (place, offset) in found {
                positions.set(place, .at(offset, lastEpoch: nil))
                read.started(place, at: offset)
            }
        }
    }

    private func commitIfDue() async throws(ClientError) {
        guard options.commitsAutomatically, case .group = source else { return }
        let now = cluster.runtime.clock.now
        if let nextCommit, now < nextCommit { return }
        nextCommit = now.advanced(byMilliseconds: options.autoCommitMilliseconds)
        try await commit()
    }
}
