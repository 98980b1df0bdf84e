import LogStorage
import Primitives
import Replication
import Synchronization
import World

/// What a move of the replica to another log directory does with it. All of it but the first two blocks.
extension Partition {
    /// What can be copied, and of which of the logs that were opened here.
    struct CopyPiece: Sendable {
        let source: CopySource
        let logNumber: Int
    }

    /// Why nothing can be copied now.
    enum CopyHindrance: Error, Hashable {
        /// The log is being opened or cut, or a read of it failed for the moment.
        case notNow
        /// The replica is removed, or the node stops.
        case closed
        case offline
        case damaged
    }

    /// Why nothing can be copied now; nil where all can.
    var copyHindrance: CopyHindrance? { state.withLock { $0.copyHindrance } }

    /// What follows `offset` in the log.
    func copyPiece(from offset: Offset, maxBytes: Int) -> Result<CopyPiece, CopyHindrance> {
        step { state, after in
            if let hindrance = state.copyHindrance { return .failure(hindrance) }
            do throws(StorageError) {
                guard let source = try state.log?.copySource(from: offset, maxBytes: maxBytes) else {
                    return .failure(.notNow)
                }
                return .success(CopyPiece(source: source, logNumber: state.logNumber))
            } catch {
                _ = state.failedRead(error, &after)
                return .failure(state.isOffline ? .offline : .notNow)
            }
        }
    }

    /// Whether the log is still the one of the piece: what was read of it is what it holds.
    func isUncut(since piece: CopyPiece) -> Bool {
        state.withLock { state in
            state.logNumber == piece.logNumber && state.log?.isUncut(since: piece.source) ?? false
        }
    }

    /// Notes that the replica is on its way, or no more.
    func isMoving(_ moves: Bool) { state.withLock { $0.isMoving = moves } }

    /// Nothing is appended from now on but kept; false where that can't be now.
    func beginHold() -> Bool { step { state, after in state.beginHold(&after) } }

    /// What was kept is appended, and all goes on.
    func endHold() {
        let (now, timeOfDay) = (services.clock.now, services.clock.timeOfDay)
        step { state, after in state.endHold(timeOfDay: timeOfDay, now: now, &after) }
    }

    /// The log as it stands while it is held; nil where it is gone.
    var heldLog: PartitionLog? { state.withLock { $0.isHeld ? $0.log : nil } }

    /// Puts the copy into the place of the held log; false where that is gone.
    func replaceLog(by copy: PartitionLog) -> Bool {
        let now = services.clock.now
        return step { state, after in state.replaceLog(by: copy, now: now, &after) }
    }
}

extension PartitionState {
    /// Why the log can't be copied now; nil where it can.
    fileprivate var copyHindrance: Partition.CopyHindrance? {
        if damage != nil { return .damaged }
        if isOpen { return nil }
        if isOffline { return .offline }
        return isOpening ? .notNow : .closed
    }
}
