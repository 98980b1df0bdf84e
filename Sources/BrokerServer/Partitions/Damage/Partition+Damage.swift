import LogStorage
import Primitives
import Synchronization
import World

/// What was found out about the bytes of a log. All of it blocks: for the pool.
extension Partition {
    /// What a look at a part of the log said.
    enum Look: Hashable {
        case sound
        case damaged(LogDamage)
        /// The disk can't be read, or the log is closed.
        case failed
    }

    /// What is wrong with this replica's log; nil as far as nothing is known.
    var damage: ReplicaDamage? { state.withLock { $0.damage } }

    /// Compares what a read found with its checksums before it is sent.
    func look(at slice: LogSlice) -> Look {
        guard var audit = state.withLock({ $0.log?.audit(slice) }) else { return .failed }
        do throws(FileError) {
            guard let damage = try audit.run() else { return .sound }
            suspect(damage.path)
            return .damaged(damage)
        } catch {
            diskFailed(error)
            return .failed
        }
    }

    /// Something read from the log file at `path` makes no sense: looks whether the file is damaged or only its index.
    /// From any thread; one look at a time.
    func suspect(_ path: String) {
        let isFirst = state.withLock { state in
            if state.isDiagnosing { return false }
            state.isDiagnosing = true
            return true
        }
        guard isFirst else { return }
        disk.pool.run {
            self.diagnose(path)
            self.state.withLock { $0.isDiagnosing = false }
        }
    }

    private func diagnose(_ path: String) {
        guard let segment = state.withLock({ $0.log?.auditedSegment(at: path) }) else { return }
        var audit = segment.audit
        do throws(FileError) {
            if let damage = try audit.run() { return found(damage, in: segment) }
        } catch {
            return diskFailed(error)
        }
        rebuildIndexes(of: segment)
    }

    /// Takes note of damage, unless the log was cut meanwhile.
    func found(_ damage: LogDamage, in segment: AuditedSegment) {
        let isNews = state.withLock { state in
            guard let log = state.log, log.holds(segment) else { return false }
            return state.remember(damage)
        }
        if isNews { services.damageFound(self) }
    }

    /// What a pass over all logs reads of this one; nothing where damage is known already.
    var segmentsToScrub: [AuditedSegment] {
        state.withLock { state in state.damage == nil ? state.log?.auditedSegments ?? [] : [] }
    }

    /// A segment can't be read; one that is gone meanwhile matters to nobody.
    func readFailed(_ error: FileError, in segment: AuditedSegment) {
        if state.withLock({ $0.log?.holds(segment) ?? false }) { diskFailed(error) }
    }

    /// The log file is sound: it is the index that leads astray.
    private func rebuildIndexes(of segment: AuditedSegment) {
        let interval = settings.log.indexIntervalBytes
        do throws(StorageError) {
            let rebuilt = try RebuiltIndexes(
                of: segment, directory: directory, intervalBytes: interval, now: services.clock.timeOfDay)
            let isTaken = onLog { (log, _) throws(StorageError) in try log.adopt(rebuilt) } ?? false
            if isTaken { services.indexesRebuilt(segment.path) }
        } catch {
            if case .file(let file) = error { diskFailed(file) }
        }
    }
}
