import Primitives
import Synchronization

/// Whether one fetcher gets answers from its leader: written on the fetcher's loop with each request, read on the
/// control loop.
final class LeaderReach: Sendable {
    private static let nothing = Int64.min

    /// When the answer to the request in flight is due.
    private let dueAt = Atomic(LeaderReach.nothing)
    /// When fetching first failed since it last succeeded.
    private let failingSince = Atomic(LeaderReach.nothing)

    /// A request left that is to be answered until then.
    func asked(dueAt instant: MonotonicInstant) { dueAt.store(instant.value, ordering: .relaxed) }

    /// The leader answered, whatever it said.
    func answered() { rest() }

    /// The request failed, or none could be sent.
    func failed(at now: MonotonicInstant) {
        let due = dueAt.exchange(LeaderReach.nothing, ordering: .relaxed)
        if failingSince.load(ordering: .relaxed) != LeaderReach.nothing { return }
        failingSince.store(due == LeaderReach.nothing ? now.value : min(due, now.value), ordering: .relaxed)
    }

    /// There is nothing to fetch.
    func rest() {
        dueAt.store(LeaderReach.nothing, ordering: .relaxed)
        failingSince.store(LeaderReach.nothing, ordering: .relaxed)
    }

    /// How a leader looks through one fetcher.
    enum View: Hashable, Sendable {
        case idle
        case reached
        /// No answer has come, though it is due since then.
        case unreachedSince(MonotonicInstant)
    }

    func view(now: MonotonicInstant) -> View {
        let (due, failing) = (dueAt.load(ordering: .relaxed), failingSince.load(ordering: .relaxed))
        if failing != LeaderReach.nothing { return .unreachedSince(MonotonicInstant(failing)) }
        if due == LeaderReach.nothing { return .idle }
        return due < now.value ? .unreachedSince(MonotonicInstant(due)) : .reached
    }
}
