import Synchronization

/// Asks for the metadata of topics whose leaders a producer lacks: one request at a time, with a pause behind each.
final class LeaderLookup: Sendable {
    private let cluster: ClusterClient
    private let isUnderWay = Atomic<Bool>(false)

    init(_ cluster: ClusterClient) { self.cluster = cluster }

    /// Asks, unless a request or its pause is under way, and calls `done` behind the pause, whatever came of it.
    func look(for topics: [String], done: @escaping @Sendable () -> Void) {
        guard !isUnderWay.exchange(true, ordering: .acquiringAndReleasing) else { return }
        Task {
            _ = try? await cluster.refresh(topics: topics)
            await cluster.runtime.sleep(milliseconds: cluster.backoff(after: 0))
            isUnderWay.store(false, ordering: .releasing)
            done()
        }
    }
}
