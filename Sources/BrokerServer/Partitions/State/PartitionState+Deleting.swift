import LogStorage
import Primitives
import Replication
import World

extension PartitionState {
    /// Deletes the records below `offset` (nil: all that is committed) and lets the request wait for the replicas.
    ///
    /// - Errors: POLICY_VIOLATION where `cleanup.policy` does not delete, OFFSET_OUT_OF_RANGE above the high watermark.
    mutating func deleteRecords(
        before offset: Offset?, _ request: DeletionInFlight, slot: Int, _ after: inout Aftermath
    ) {
        func refuse(_ error: ErrorCode) {
            after.deletions.append((request, slot, DeletionInFlight.PartitionResult(error: error)))
        }
        if let error = leaderRefusal(requested: nil) { return refuse(error) }
        guard let logStart = log?.logStartOffset, let highWatermark = leader?.highWatermark else {
            return refuse(.notLeaderOrFollower)
        }
        guard settings.log.isDeletedByRetention else { return refuse(.policyViolation) }
        let required = offset ?? highWatermark
        guard required.value >= 0, required <= highWatermark else { return refuse(.offsetOutOfRange) }
        let isNews = required > logStart
        do throws(StorageError) {
            after.removals += try log?.incrementLogStartOffset(to: required) ?? []
        } catch {
            return refuse(failedRead(error, &after))
        }
        request.note(slot: slot, lowWatermark: lowWatermark)
        parkedDeletions.append(ParkedDeletion(request: request, slot: slot, required: required))
        settleDeletions(&after)
        // Who fetches for a copy hears of it at once, not when its wait is over.
        if isNews { wakeFollowers(&after) }
    }

    /// Answers the deletions that no live replica is behind any more.
    mutating func settleDeletions(_ after: inout Aftermath) {
        guard !parkedDeletions.isEmpty, log != nil, leader != nil else { return }
        let reached = lowWatermark
        parkedDeletions.removeAll { deletion in
            guard deletion.request.isWaiting else { return true }
            guard let reached, reached >= deletion.required else {
                deletion.request.note(slot: deletion.slot, lowWatermark: reached)
                return false
            }
            let result = DeletionInFlight.PartitionResult(lowWatermark: reached)
            after.deletions.append((deletion.request, deletion.slot, result))
            return true
        }
    }

    /// The least log start of all live replicas; nil while it is not known.
    private var lowWatermark: Offset? {
        guard let logStart = log?.logStartOffset else { return nil }
        return leader?.lowWatermark(logStart: logStart)
    }

    private mutating func wakeFollowers(_ after: inout Aftermath) {
        var kept: [(fetch: any ParkedFetch, goal: FetchGoal)] = []
        for entry in parkedFetches {
            switch entry.goal {
            case .logEndBehind, .logEndBehindOrHighWatermarkAbove, .groupBehind: after.woken.append(entry.fetch)
            // Behind a new log start all is stable; or the offset is gone, and who waits is told so.
            case .lastStableBehind(let offset):
                if lastStableOffset > offset { after.woken.append(entry.fetch) } else { kept.append(entry) }
            case .highWatermarkBehind: kept.append(entry)
            }
        }
        parkedFetches = kept
    }
}

extension Partition {
    /// The pause before it is looked again whether a log may be changed.
    private static let heldLookMilliseconds: Int64 = 10

    /// Deletes the records below `offset`, or all that is committed; renames files, so it is for the pool.
    func deleteRecords(before offset: Offset?, _ request: DeletionInFlight, slot: Int) {
        let isHeld = step { state, after in
            if !state.isHeld { state.deleteRecords(before: offset, request, slot: slot, &after) }
            return state.isHeld
        }
        guard isHeld else { return }
        services.timers.schedule(afterMilliseconds: Partition.heldLookMilliseconds) {
            self.disk.pool.run { self.deleteRecords(before: offset, request, slot: slot) }
        }
    }
}
