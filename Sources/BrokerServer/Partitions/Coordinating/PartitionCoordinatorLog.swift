import LogStorage
import Metadata
import Primitives
import Replication
import World

/// A partition as the coordinator on it uses it.
final class PartitionCoordinatorLog: CoordinatorLog {
    private let partition: Partition
    /// Where verdicts are delivered: never under a lock, never before `append` has returned.
    private let loop: any Loop

    init(_ partition: Partition, loop: any Loop) {
        self.partition = partition
        self.loop = loop
    }

    func bounds(in epoch: LeaderEpoch) -> CoordinatorLogBounds? {
        partition.step { state, _ in
            guard case .open(let log) = state.storage, case .leader(let leader) = state.role,
                leader.leaderEpoch == epoch
            else { return nil }
            return CoordinatorLogBounds(
                start: log.logStartOffset, highWatermark: leader.highWatermark, epochStart: leader.epochStart)
        }
    }

    func read(from start: Offset, bytesMax: Int, in epoch: LeaderEpoch) throws(CoordinatorLogError) -> Bytes {
        let found: Result<LogSlice, CoordinatorLogError> = partition.step { state, _ in
            if let refusal = state.leaderRefusal(requested: epoch) { return .failure(CoordinatorLogError(refusal)) }
            guard case .open(var log) = state.storage else { return .failure(CoordinatorLogError(.notCoordinator)) }
            do throws(StorageError) {
                return .success(
                    try log.read(from: start, maxBytes: bytesMax, upTo: state.highWatermark, minOneMessage: true))
            } catch {
                return .failure(CoordinatorLogError(error.code))
            }
        }
        let slice = try found.get()
        if slice.isEmpty { return .empty }
        // The disk is waited for without the lock.
        do throws(StorageError) {
            return try slice.read()
        } catch {
            throw CoordinatorLogError(error.code)
        }
    }

    func append(
        _ batch: Bytes, in epoch: LeaderEpoch, whenDecided: @escaping @Sendable (ErrorCode) -> Void
    ) throws(CoordinatorLogError) -> Offset {
        let loop = loop
        let request = ProduceInFlight(places: [(0, partition.id.index.value)]) { results in
            loop.execute { whenDecided(results[0].error) }
        }
        let (now, timeOfDay) = (partition.services.clock.now, partition.services.clock.timeOfDay)
        let result: Result<Offset, CoordinatorLogError> = partition.step { state, after in
            if let refusal = state.leaderRefusal(requested: epoch) { return .failure(CoordinatorLogError(refusal)) }
            guard case .leader(let leader) = state.role, leader.hasEnoughInSync else {
                return .failure(CoordinatorLogError(.notEnoughReplicas))
            }
            if batch.count > state.settings.batchBytesMax { return .failure(CoordinatorLogError(.messageTooLarge)) }
            guard let endBefore = state.logEnd else { return .failure(CoordinatorLogError(.kafkaStorageError)) }
            let incoming = PartitionState.Incoming(batch: batch, request: request, slot: 0, waitsForReplicas: true)
            state.append([incoming], timeOfDay: timeOfDay, now: now, &after)
            guard let end = state.logEnd else { return .failure(CoordinatorLogError(.kafkaStorageError)) }
            // A batch that the log refuses by itself leaves nothing behind: the coordinator must not remember it
            // either.
            return end > endBefore ? .success(end) : .failure(CoordinatorLogError(.recordListTooLarge))
        }
        return try result.get()
    }
}

extension PartitionState {
    /// The exclusive end of an open log.
    fileprivate var logEnd: Offset? {
        if case .open(let log) = storage { log.logEndOffset } else { nil }
    }
}
