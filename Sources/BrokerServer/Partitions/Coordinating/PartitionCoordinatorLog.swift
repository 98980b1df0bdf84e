import LogStorage
import Metadata
import Primitives
import Replication
import WireProtocol
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
            guard let log = state.log, let leader = state.leader, leader.leaderEpoch == epoch else { return nil }
            return CoordinatorLogBounds(
                start: log.logStartOffset, highWatermark: leader.highWatermark, epochStart: leader.epochStart)
        }
    }

    var isCutOff: Bool { partition.isCutOff }

    func read(from start: Offset, bytesMax: Int, in epoch: LeaderEpoch) throws(CoordinatorLogError) -> Bytes {
        let found: Result<LogSlice, CoordinatorLogError> = partition.step { state, _ in
            if let refusal = state.leaderRefusal(requested: epoch) { return .failure(CoordinatorLogError(refusal)) }
            let end = state.highWatermark
            do throws(StorageError) {
                let slice = try state.log?.read(from: start, maxBytes: bytesMax, upTo: end, minOneMessage: true)
                return slice.map { .success($0) } ?? .failure(CoordinatorLogError(.notCoordinator))
            } catch {
                return .failure(CoordinatorLogError(error.code))
            }
        }
        let slice = try found.get()
        if slice.isEmpty { return .empty }
        // The disk is waited for without the lock; a coordinator must not remember what nobody wrote.
        guard partition.look(at: slice) == .sound else { throw CoordinatorLogError(.kafkaStorageError) }
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
        let request = ProduceInFlight([.init(topic: 0, partition: partition.id.index.value)]) { results in
            loop.execute { whenDecided(results[0].error) }
        }
        let (now, timeOfDay) = (partition.services.clock.now, partition.services.clock.timeOfDay)
        defer { partition.loopWaited(since: now) }
        let result: Result<Offset, CoordinatorLogError> = partition.step { state, after in
            if let refusal = state.leaderRefusal(requested: epoch) { return .failure(CoordinatorLogError(refusal)) }
            guard state.leader?.hasEnoughInSync == true else {
                return .failure(CoordinatorLogError(.notEnoughReplicas))
            }
            if batch.count > state.settings.batchBytesMax { return .failure(CoordinatorLogError(.messageTooLarge)) }
            guard let endBefore = state.log?.logEndOffset else {
                return .failure(CoordinatorLogError(.kafkaStorageError))
            }
            var incoming = PartitionState.Incoming(batch: batch, request: request, slot: 0, waitsForReplicas: true)
            if state.isHeld || state.disk.handsOver {
                // What is promised can't be taken back: whoever is fenced is refused here. Of what waits to be written
                // the shard knows the epochs.
                if state.isFenced(batch) { return .failure(CoordinatorLogError(.invalidProducerEpoch)) }
                incoming.isPromised = true
                let count = PartitionCoordinatorLog.recordCount(of: batch)
                // A log that is held for another reason goes on in a moment; a coordinator needs its answer now, and
                // its clients ask again.
                let end = state.promise(incoming, recordCount: count, &after)
                return end.map { .success($0) } ?? .failure(CoordinatorLogError(.notEnoughReplicas))
            }
            state.append([incoming], timeOfDay: timeOfDay, now: now, &after)
            guard let end = state.log?.logEndOffset else { return .failure(CoordinatorLogError(.kafkaStorageError)) }
            // A batch that the log refuses by itself leaves nothing behind: the coordinator must not remember it
            // either.
            return end > endBefore ? .success(end) : .failure(CoordinatorLogError(.recordListTooLarge))
        }
        return try result.get()
    }

    func append(
        _ marker: EndMarker, in epoch: LeaderEpoch, whenDecided: @escaping @Sendable (ErrorCode) -> Void
    ) throws(CoordinatorLogError) -> Offset {
        let loop = loop
        let request = ProduceInFlight([.init(topic: 0, partition: partition.id.index.value)]) { results in
            loop.execute { whenDecided(results[0].error) }
        }
        let (now, timeOfDay) = (partition.services.clock.now, partition.services.clock.timeOfDay)
        defer { partition.loopWaited(since: now) }
        let result: Result<Offset, CoordinatorLogError> = partition.step { state, after in
            if let refusal = state.leaderRefusal(requested: epoch) { return .failure(CoordinatorLogError(refusal)) }
            guard state.leader?.hasEnoughInSync == true else {
                return .failure(CoordinatorLogError(.notEnoughReplicas))
            }
            // Whether it is held or not: what a coordinator was told to be written is written.
            if let refusal = state.log?.refusal(of: marker) { return .failure(CoordinatorLogError(refusal)) }
            var item = PartitionState.Incoming(
                batch: marker.batch(now: timeOfDay), request: request, slot: 0, waitsForReplicas: true,
                marker: marker)
            if state.isHeld || state.disk.handsOver {
                item.isPromised = true
                let end = state.promise(item, recordCount: 1, &after)
                return end.map { .success($0) } ?? .failure(CoordinatorLogError(.notEnoughReplicas))
            }
            guard let endBefore = state.log?.logEndOffset else {
                return .failure(CoordinatorLogError(.kafkaStorageError))
            }
            state.append([item], timeOfDay: timeOfDay, now: now, &after)
            guard let end = state.log?.logEndOffset, end > endBefore else {
                return .failure(CoordinatorLogError(.kafkaStorageError))
            }
            return .success(end)
        }
        return try result.get()
    }

    /// The offsets that a batch takes.
    private static func recordCount(of batch: Bytes) -> Int64 {
        guard let header = try? RecordBatch(batch, at: 0).header else { return 0 }
        return Int64(header.lastOffsetDelta) + 1
    }
}

extension PartitionState {
    /// Whether the log knows a later epoch of the batch's producer.
    fileprivate func isFenced(_ batch: Bytes) -> Bool {
        guard let header = try? RecordBatch(batch, at: 0).header, let id = header.producerID,
            let epoch = header.producerEpoch, let known = log?.producers[id]
        else { return false }
        return epoch < known.epoch
    }
}
