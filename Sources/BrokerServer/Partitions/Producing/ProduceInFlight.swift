import Primitives
import Synchronization
import WireMessages
import WireProtocol

/// A Produce request from its first append to its answer: collects the verdict of each partition.
final class ProduceInFlight: Sendable {
    /// How a partition's part of the request ended.
    struct PartitionResult: Sendable {
        var error = ErrorCode.noError
        var message: String?
        var baseOffset: Offset?
        var logAppendTime: Timestamp?
        var logStart: Offset?
        /// Records that are wrong by themselves (KIP-467), by their index in the batch.
        var recordErrors: [RecordRefusal.Fault] = []
        /// For errors that tell of a newer leader (KIP-951).
        var currentLeader: LeaderHint?
    }

    private struct State {
        var results: [PartitionResult]
        var isResolved: [Bool]
        var unresolved: Int
        /// Set once the request timed out or was answered.
        var isOver = false
    }

    /// Where each partition stands in the request: index of the topic, index of the partition.
    let places: [(topic: Int, partition: Int32)]
    private let state: Mutex<State>
    private let whenOver: @Sendable ([PartitionResult]) -> Void

    init(places: [(topic: Int, partition: Int32)], whenOver: @escaping @Sendable ([PartitionResult]) -> Void) {
        self.places = places
        self.whenOver = whenOver
        let results = [PartitionResult](repeating: PartitionResult(), count: places.count)
        state = Mutex(
            State(
                results: results, isResolved: [Bool](repeating: false, count: places.count), unresolved: places.count))
    }

    /// Whether some partition is still waited for.
    var isWaiting: Bool { state.withLock { !$0.isOver } }

    /// Notes where the records came to stand, before the verdict is known.
    func appended(slot: Int, baseOffset: Offset, logAppendTime: Timestamp?, logStart: Offset) {
        state.withLock { state in
            state.results[slot].baseOffset = baseOffset
            state.results[slot].logAppendTime = logAppendTime
            state.results[slot].logStart = logStart
        }
    }

    /// The verdict on one partition; the last one answers the request.
    func resolve(slot: Int, _ error: ErrorCode, message: String? = nil, leader: LeaderHint? = nil) {
        resolve(slot: slot) { result in
            result.error = error
            result.message = message
            result.currentLeader = leader
        }
    }

    /// The verdict on one partition whose result `change` fills in.
    func resolve(slot: Int, _ change: (inout PartitionResult) -> Void) {
        let finished: [PartitionResult]? = state.withLock { state in
            guard !state.isOver, !state.isResolved[slot] else { return nil }
            change(&state.results[slot])
            state.isResolved[slot] = true
            state.unresolved -= 1
            return state.unresolved == 0 ? close(&state) : nil
        }
        if let finished { whenOver(finished) }
    }

    /// The request's time is over: what is not decided is REQUEST_TIMED_OUT (it may have been written).
    func timeOut() {
        let finished: [PartitionResult]? = state.withLock { state in
            guard !state.isOver else { return nil }
            for slot in state.results.indices where !state.isResolved[slot] {
                state.results[slot].error = .requestTimedOut
            }
            return close(&state)
        }
        if let finished { whenOver(finished) }
    }

    private func close(_ state: inout State) -> [PartitionResult] {
        state.isOver = true
        return state.results
    }
}

/// The leader that a client should turn to (KIP-951).
struct LeaderHint: Hashable, Sendable {
    let leader: BrokerID?
    let leaderEpoch: LeaderEpoch
}
