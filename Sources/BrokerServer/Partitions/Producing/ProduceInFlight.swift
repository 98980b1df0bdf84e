import Primitives
import Synchronization
import WireMessages
import WireProtocol

/// A Produce request from its first append to its answer: collects the verdict of each partition.
final class ProduceInFlight: Sendable {
    /// How a partition's part of the request ended.
    struct PartitionResult: Sendable {
        /// Where it stands in the request: the place of its topic, the number of the partition.
        let topic: Int
        let partition: Int32
        var isResolved = false
        var error = ErrorCode.noError
        var message: String?
        var baseOffset: Offset?
        var logAppendTime: Timestamp?
        var logStart: Offset?
        /// Records that are wrong by themselves (KIP-467), by their index in the batch.
        var recordErrors: [RecordRefusal.Fault] = []
        /// For errors that tell of a newer leader (KIP-951).
        var currentLeader: LeaderHint?

        init(topic: Int, partition: Int32) {
            self.topic = topic
            self.partition = partition
        }
    }

    private struct State {
        var results: [PartitionResult]
        var unresolved: Int
        /// Nil once the request timed out or was answered. Let go of then: who looks after its deadline keeps the
        /// request longer.
        var whenOver: WhenOver?
    }

    /// Takes the result of each partition.
    typealias WhenOver = @Sendable ([PartitionResult]) -> Void

    private let state: Mutex<State>

    /// - Parameter results: one for each partition of the request, none of them resolved.
    init(_ results: [PartitionResult], whenOver: @escaping WhenOver) {
        state = Mutex(State(results: results, unresolved: results.count, whenOver: whenOver))
    }

    /// Whether some partition is still waited for.
    var isWaiting: Bool { state.withLock { $0.whenOver != nil } }

    /// Notes where the records came to stand, before the verdict is known.
    func appended(slot: Int, baseOffset: Offset, logAppendTime: Timestamp?, logStart: Offset) {
        state.withLock { state in
            guard state.whenOver != nil else { return }
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
        let finished: Answer? = state.withLock { state in
            guard state.whenOver != nil, !state.results[slot].isResolved else { return nil }
            change(&state.results[slot])
            state.results[slot].isResolved = true
            state.unresolved -= 1
            return state.unresolved == 0 ? close(&state) : nil
        }
        if let finished { finished.whenOver(finished.results) }
    }

    /// The request's time is over: what is not decided is REQUEST_TIMED_OUT (it may have been written).
    func timeOut() {
        let finished: Answer? = state.withLock { state in
            guard state.whenOver != nil else { return nil }
            for slot in state.results.indices where !state.results[slot].isResolved {
                state.results[slot].error = .requestTimedOut
            }
            return close(&state)
        }
        if let finished { finished.whenOver(finished.results) }
    }

    private typealias Answer = (whenOver: WhenOver, results: [PartitionResult])

    private func close(_ state: inout State) -> Answer? {
        guard let whenOver = state.whenOver.take() else { return nil }
        var results: [PartitionResult] = []
        swap(&results, &state.results)
        return (whenOver, results)
    }
}

/// The leader that a client should turn to (KIP-951).
struct LeaderHint: Hashable, Sendable {
    let leader: BrokerID?
    let leaderEpoch: LeaderEpoch
}
