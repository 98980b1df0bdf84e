import ClientCore
import Primitives
import WireMessages
import World

/// Fetches from the leaders of what is assigned.
extension Consumer {
    func fetchAll() async throws(ClientError) {
        guard !buffer.isFull else { return }
        let view = cluster.view
        let plan = positions.plan(view: view, busy: busy)
        for fetch in plan.fetches {
            busy.insert(fetch.leader)
            Task { await self.fetch(fetch, view) }
        }
        if !plan.leaderless.isEmpty {
            try await cluster.refresh(topics: plan.leaderless)
            await cluster.runtime.sleep(milliseconds: cluster.backoff(after: 0))
        }
    }

    private func fetch(_ fetch: ConsumerPositions.Fetch, _ view: ClusterView) async {
        let request = FetchQuestion.request(fetch.wanted, limits: options.fetchLimits, view: view)
        do throws(ClientError) {
            let response = try await cluster.send(request, to: .broker(fetch.leader))
            guard response.errorCode == .noError else { throw ClientError(code: response.errorCode) }
            var isStale = false
            for answer in FetchQuestion.answers(response, view: view) {
                guard let want = fetch.wanted.first(where: { $0.place == answer.place }) else { continue }
                isStale = try take(answer, asked: want.offset) || isStale
            }
            busy.remove(fetch.leader)
            if isStale { _ = try? await cluster.refresh(topics: topics) }
        } catch {
            if error.isRetriable {
                _ = try? await cluster.refresh(topics: topics)
                await cluster.runtime.sleep(milliseconds: cluster.backoff(after: 0))
            } else if !isClosed {
                failure = error
            }
            busy.remove(fetch.leader)
        }
        wake()
        // The next fetch starts at once, not with the next round of `work`.
        if !isClosed, failure == nil { try? await fetchAll() }
    }

    /// Takes one partition's answer in; true if what is known of its leader is out of date.
    private func take(_ answer: FetchQuestion.Answer, asked: Offset) throws(ClientError) -> Bool {
        switch answer.error {
        case .noError: break
        case .offsetOutOfRange:
            positions.outOfRange(answer.place, asked: asked)
            return false
        case _ where answer.error.isRetriable, .unknownLeaderEpoch, .fencedLeaderEpoch, .unknownTopicID:
            if let leader = answer.newLeader, let epoch = answer.newLeaderEpoch {
                cluster.learnLeader(answer.place, leader: leader, epoch: epoch)
            }
            return true
        default: throw ClientError(code: answer.error)
        }
        guard let bytes = answer.records, !bytes.isEmpty else { return false }
        let decoded: BatchCoding.Decoded
        do { decoded = try BatchCoding.decode(bytes, of: answer.place, from: asked, skipping: answer.aborted) } catch {
            throw ClientError(.connection, "Records of \(answer.place) at offset \(asked) can't be read: \(error)")
        }
        if positions.advance(answer.place, from: asked, to: decoded.end, lastEpoch: decoded.lastEpoch) {
            buffer.add(decoded.records)
        }
        return false
    }
}
