import LogStorage
import Primitives
import Replication
import Synchronization
import World

/// The follower's work on one partition. All but `cut` is short; `cut` blocks and belongs on the pool.
extension Partition {
    /// What to ask the leader; nil when nothing may be asked now.
    var followerAsk: FollowerAsk? { state.withLock { $0.followerAsk } }

    func received(
        _ reply: FollowerReplica.Reply, records: Bytes?, asked: FollowerReplica.Position
    ) -> FollowerProgression {
        let (now, timeOfDay) = (services.clock.now, services.clock.timeOfDay)
        defer { loopWaited(since: now) }
        return step { state, after in
            state.received(reply, records: records, asked: asked, timeOfDay: timeOfDay, &after)
        }
    }

    /// How a follower's log is brought back to its leader's.
    enum Repair: Hashable {
        case divergence(EpochEnd)
        case restart(at: Offset)
    }

    /// What a repair has to say to the operator.
    enum RepairReport: Hashable {
        case notNeeded
        case cut(to: Offset, from: Offset)
        /// What had been committed was cut; the suffix is kept in `copy`.
        case cutCommitted(to: Offset, highWatermark: Offset, copy: String)
        case failed(StorageError)
    }

    /// Cuts the log to where it agrees with its leader, or restarts it, if it still ends where the leader was asked:
    /// what a leader says is about that log and no other. Blocks.
    func repair(_ repair: Repair, asked: FollowerReplica.Position) -> RepairReport {
        guard let (repaired, report) = onDirectory({ cut(repair, asked) }) ?? nil else { return .notNeeded }
        let (me, now) = (services.me, services.clock.now)
        step { state, after in
            state.endCut(repaired, me: me, now: now, &after)
            guard case .failed(let error) = report else { return }
            after.suspicion = error.damage?.path
            if repaired.failure != nil {
                after.failure = LogFailure(directory: repaired.directory, reason: "\(error)")
                state.goOffline("\(error)", &after)
            }
        }
        return report
    }

    private func cut(_ repair: Repair, _ asked: FollowerReplica.Position) -> (PartitionLog, RepairReport)? {
        guard let taken = step({ state, _ in state.beginCut(asked) }) else { return nil }
        var log = taken.log
        do throws(StorageError) {
            let report = try Partition.cut(&log, taken.follower, repair, services.files)
            return (log, report)
        } catch {
            return (log, .failed(error))
        }
    }

    private static func cut(
        _ log: inout PartitionLog, _ follower: FollowerReplica, _ repair: Repair, _ files: any FileStore
    ) throws(StorageError) -> RepairReport {
        let end = log.logEndOffset
        switch repair {
        case .restart(let offset):
            let report = try keepCommitted(&log, from: log.logStartOffset, follower, cutTo: offset, files)
            try log.truncateFullyAndStart(at: offset)
            return report ?? .cut(to: offset, from: end)
        case .divergence(let answer):
            let own = log.endOffset(for: answer.epoch).map { EpochEnd(epoch: $0.epoch, endOffset: $0.endOffset) }
            let cut = follower.cut(for: answer, own: own, logEnd: end)
            guard cut.isBelowHighWatermark else {
                try log.truncate(to: cut.offset)
                return .cut(to: cut.offset, from: end)
            }
            let report = try keepCommitted(&log, from: cut.offset, follower, cutTo: cut.offset, files)
            try log.truncate(to: cut.offset)
            return report ?? .cut(to: cut.offset, from: end)
        }
    }

    /// Rule 6, amended: what lies below the high watermark is copied before it is cut away. Nil when nothing was.
    private static func keepCommitted(
        _ log: inout PartitionLog, from start: Offset, _ follower: FollowerReplica, cutTo offset: Offset,
        _ files: any FileStore
    ) throws(StorageError) -> RepairReport? {
        let start = max(start, log.logStartOffset)
        // A leader whose log begins later has dropped what is below by retention: nothing is lost.
        guard offset < follower.highWatermark, start < log.logEndOffset else { return nil }
        let path = "\(log.directory)/\(start)-divergent"
        do throws(FileError) {
            let file = try files.open(path, .replace)
            defer { file.close() }
            var next = start
            var position: Int64 = 0
            while next < log.logEndOffset {
                let slice: LogSlice
                let bytes: Bytes
                do throws(StorageError) {
                    slice = try log.read(
                        from: next, maxBytes: copyChunkBytes, upTo: log.logEndOffset, minOneMessage: true)
                    if slice.isEmpty { break }
                    bytes = try log.bytes(of: slice)
                } catch {
                    throw FileError(kind: .other, operation: "read the divergent suffix (\(error))", path: path)
                }
                try file.write([bytes], at: position)
                position += Int64(bytes.count)
                next = slice.endOffset
            }
            try file.synchronize()
            try files.synchronizeDirectory(log.directory)
        } catch {
            throw .file(error)
        }
        return .cutCommitted(to: offset, highWatermark: follower.highWatermark, copy: path)
    }

    private static let copyChunkBytes = 1 << 20
}
