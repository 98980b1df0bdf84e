import Primitives
import Synchronization
import WireMessages

/// One partition's part of a DeleteRecords request that waits until no live replica has the records any more.
struct ParkedDeletion: Sendable {
    let request: DeletionInFlight
    /// Which of the request's partitions.
    let slot: Int
    /// The low watermark that answers it.
    let required: Offset
}

/// A DeleteRecords request from its start to its answer: collects what became of each partition.
final class DeletionInFlight: Sendable {
    /// How a partition's part of the request ended.
    struct PartitionResult: Hashable, Sendable {
        var error = ErrorCode.noError
        /// The first offset that some live replica still has; nil where that is not known.
        var lowWatermark: Offset?
    }

    private struct State {
        var results: [PartitionResult]
        var isResolved: [Bool]
        var isOver = false
    }

    private let state: Mutex<State>
    private let whenOver: @Sendable ([PartitionResult]) -> Void

    init(count: Int, whenOver: @escaping @Sendable ([PartitionResult]) -> Void) {
        self.whenOver = whenOver
        state = Mutex(
            State(
                results: [PartitionResult](repeating: PartitionResult(), count: count),
                isResolved: [Bool](repeating: false, count: count)))
    }

    /// Notes how far a partition is while its replicas are waited for.
    func note(slot: Int, lowWatermark: Offset?) {
        state.withLock { $0.results[slot].lowWatermark = lowWatermark }
    }

    /// The verdict on one partition; the last one answers the request.
    func resolve(slot: Int, _ result: PartitionResult) {
        let finished: [PartitionResult]? = state.withLock { state in
            guard !state.isOver, !state.isResolved[slot] else { return nil }
            state.results[slot] = result
            state.isResolved[slot] = true
            guard state.isResolved.allSatisfy({ $0 }) else { return nil }
            state.isOver = true
            return state.results
        }
        if let finished { whenOver(finished) }
    }

    /// The request's time is over: what is not decided is REQUEST_TIMED_OUT; the leader has deleted it all the same.
    func timeOut() {
        let finished: [PartitionResult]? = state.withLock { state in
            guard !state.isOver else { return nil }
            for slot in state.results.indices where !state.isResolved[slot] {
                state.results[slot].error = .requestTimedOut
            }
            state.isOver = true
            return state.results
        }
        if let finished { whenOver(finished) }
    }

    /// Whether some partition is still waited for.
    var isWaiting: Bool { state.withLock { !$0.isOver } }
}
