package import ClientCore
package import Primitives

extension Admin {
    /// The first, the end or another offset of each partition, from its leader; partitions without one are left out.
    package func offsets(
        of places: [TopicPartition], at timestamp: ListedTimestamp
    ) async throws(ClientError) -> [TopicPartition: Offset] {
        try await cluster.refresh(topics: Set(places.map(\.topic)).sorted())
        var offsets: [TopicPartition: Offset] = [:]
        for answer in try await answers(of: places, at: timestamp) where answer.error == .noError {
            offsets[answer.place] = answer.offset
        }
        return offsets
    }

    /// What each partition's leader answers, asked again while it fails in passing, until the call's time is over.
    package func listOffsets(
        of places: [TopicPartition], at timestamp: ListedTimestamp
    ) async throws(ClientError) -> [OffsetQuestion.Answer] {
        var answers: [TopicPartition: OffsetQuestion.Answer] = [:]
        var left = places
        do throws(ClientError) {
            try await cluster.retrying { () throws(ClientError) in
                for answer in try await self.answers(of: left, at: timestamp) { answers[answer.place] = answer }
                left = left.filter { answers[$0]?.error.isRetriable ?? true }
                guard let first = left.first else { return }
                try await cluster.refresh(topics: Set(left.map(\.topic)).sorted())
                throw ClientError(code: answers[first]?.error ?? .leaderNotAvailable)
            }
        } catch {
            // Time is over for the rest: it has its errors in the answers.
            guard !left.isEmpty, error.kind == .broker else { throw error }
        }
        return places.compactMap { answers[$0] }
    }

    /// One round of questions; a partition without a leader has the error that says so.
    private func answers(
        of places: [TopicPartition], at timestamp: ListedTimestamp
    ) async throws(ClientError) -> [OffsetQuestion.Answer] {
        let view = cluster.view
        var byLeader: [BrokerID: [TopicPartition]] = [:]
        var answers: [OffsetQuestion.Answer] = []
        for place in places.sorted() {
            if let leader = view.partition(place)?.leader, view.brokers[leader] != nil {
                byLeader[leader, default: []].append(place)
            } else {
                let error: ErrorCode = view.partition(place) == nil ? .unknownTopicOrPartition : .leaderNotAvailable
                answers.append(OffsetQuestion.Answer(place: place, error: error, offset: nil))
            }
        }
        for (leader, asked) in byLeader.sorted(by: { $0.key < $1.key }) {
            let request = OffsetQuestion.request(asked, at: timestamp, view: view)
            answers += OffsetQuestion.answers(try await cluster.send(request, to: .broker(leader)))
        }
        return answers
    }
}
