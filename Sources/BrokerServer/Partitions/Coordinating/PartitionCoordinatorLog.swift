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
        let result: Result<Bytes, CoordinatorLogError> = partition.step { state, _ in
            if let refusal = state.leaderRefusal(requested: epoch) { return .failure(CoordinatorLogError(refusal)) }
            guard case .open(var log) = state.storage else { return .failure(CoordinatorLogError(.notCoordinator)) }
            do throws(StorageError) {
                let slice = try log.read(
                    from: start, maxBytes: bytesMax, upTo: state.highWatermark, minOneMessage: true)
                return .success(slice.isEmpty ? .empty : try log.bytes(of: slice))
            } catch {
                return .failure(CoordinatorLogError(error.code))
            }
        }
        return try result.get()
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
            let incoming = PartitionState.Incoming(batch: batch, request: request, slot: 0, waitsForReplicas: true)
            state.append([incoming], timeOfDay: timeOfDay, now: now, &after)
            guard case .open(let log) = state.storage else {
                return .failure(CoordinatorLogError(.kafkaStorageError))
            }
            return .success(log.logEndOffset)
        }
        return try result.get()
    }
}
