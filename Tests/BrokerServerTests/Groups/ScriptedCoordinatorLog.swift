import LogStorage
import Primitives
import Synchronization
import WireProtocol

@testable import BrokerServer

/// A partition of `__consumer_offsets` in the hands of a test.
final class ScriptedCoordinatorLog: CoordinatorLog {
    struct State {
        var batches: [(end: Offset, bytes: Bytes)] = []
        var epochStart = Offset.zero
        var highWatermark = Offset.zero
        var epoch: LeaderEpoch?
        var refusal: ErrorCode?
        var commitsAtOnce = true
        var isCutOff = false
        var waiting: [(end: Offset, decided: @Sendable (ErrorCode) -> Void)] = []
    }

    let state = Mutex(State())
    private let loop: ManualLoop

    init(_ loop: ManualLoop) { self.loop = loop }

    func bounds(in epoch: LeaderEpoch) -> CoordinatorLogBounds? {
        state.withLock { state in
            guard state.epoch == epoch else { return nil }
            return CoordinatorLogBounds(
                start: .zero, highWatermark: state.highWatermark, epochStart: state.epochStart)
        }
    }

    var isCutOff: Bool { state.withLock { $0.isCutOff } }

    func read(from start: Offset, bytesMax: Int, in epoch: LeaderEpoch) throws(CoordinatorLogError) -> Bytes {
        state.withLock { state in
            // One batch at a time, so that a load takes many steps.
            state.batches.first { $0.end > start && $0.end <= state.highWatermark }?.bytes ?? .empty
        }
    }

    func append(
        _ batch: Bytes, in epoch: LeaderEpoch, whenDecided: @escaping @Sendable (ErrorCode) -> Void
    ) throws(CoordinatorLogError) -> Offset {
        let result: Result<Offset, CoordinatorLogError> = state.withLock { state in
            if let refusal = state.refusal { return .failure(CoordinatorLogError(refusal)) }
            guard state.epoch == epoch else { return .failure(CoordinatorLogError(.notLeaderOrFollower)) }
            guard var placed = try? RecordBatch(batch) else { return .failure(CoordinatorLogError(.corruptMessage)) }
            placed.place(at: state.batches.last?.end ?? .zero, leaderEpoch: epoch)
            let end = placed.header.nextOffset
            state.batches.append((end, placed.bytes))
            state.waiting.append((end, whenDecided))
            return .success(end)
        }
        if state.withLock({ $0.commitsAtOnce }) { loop.execute { self.commit() } }
        return try result.get()
    }

    func append(
        _ marker: EndMarker, in epoch: LeaderEpoch, whenDecided: @escaping @Sendable (ErrorCode) -> Void
    ) throws(CoordinatorLogError) -> Offset {
        var value = [UInt8](repeating: 0, count: 6)
        for index in 0..<4 { value[2 + index] = UInt8(truncatingIfNeeded: marker.coordinatorEpoch >> (24 - 8 * index)) }
        let producer = BatchProducer(id: marker.producerID, epoch: marker.producerEpoch, baseSequence: nil)
        let batch = RecordBatchBuilder.control(
            marker.isCommit ? .commit : .abort, value: Bytes(value), timestamp: Timestamp(0), producer: producer,
            isTransactional: true)
        return try append(batch, in: epoch, whenDecided: whenDecided)
    }

    /// Gives up who waits, as a leader does that is cut off; what was appended stays.
    func giveUp() {
        let decided = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for item in decided { item.decided(.notLeaderOrFollower) }
    }

    /// Moves the high watermark to the log's end and tells who waits.
    func commit() {
        let decided = state.withLock { state in
            state.highWatermark = state.batches.last?.end ?? .zero
            defer { state.waiting = [] }
            return state.waiting
        }
        for item in decided { item.decided(.noError) }
    }

    /// This broker leads from here on; what is committed stays so, the rest waits for its followers.
    func lead(in epoch: LeaderEpoch) {
        state.withLock { state in
            state.epoch = epoch
            state.epochStart = state.batches.last?.end ?? .zero
            state.waiting = []
        }
    }
}
