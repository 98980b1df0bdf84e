package import Logging
import LogStorage
import Metadata
import Primitives
import Synchronization
package import World

/// Compacts the logs of topics with `cleanup.policy=compact`, the dirtiest first, a few at a time.
///
/// Each works in pieces of `chunkBytes` on its disk's threads and gives its thread back between them. The lock of a
/// partition is held only to learn what can be compacted and to put a finished segment in place.
package final class LogCleaner: Sendable {
    /// What the metrics tell.
    struct Status: Sendable {
        var figures = CleanerFigures()
        var lastLook: MonotonicInstant?
        /// For each log directory.
        var uncleanable: [String: (count: Int, bytes: Int64)] = [:]
    }

    private struct State {
        var running: Set<TopicPartitionID> = []
        /// Why a log can't be compacted. It is tried again after a restart.
        var uncleanable: [TopicPartitionID: String] = [:]
        var figures = CleanerFigures()
        var lastLook: MonotonicInstant?
        var isLooking = false
        var isStopped = false
    }

    private let table: PartitionTable
    private let world: World
    private let settings: DynamicSettings
    private let upkeep: PartitionUpkeep
    private let log: Logger
    private let state = Mutex(State())

    /// - Parameter upkeep: who writes `cleaner-offset-checkpoint`.
    package init(
        _ upkeep: PartitionUpkeep, table: PartitionTable, world: World, settings: DynamicSettings, log: Logger
    ) {
        self.upkeep = upkeep
        self.table = table
        self.world = world
        self.settings = settings
        self.log = log
    }

    /// Bytes that one piece of work reads and writes.
    private static let chunkBytes: Int64 = 1 << 20

    /// Begins to look for dirty logs.
    package func start() {
        guard settings.fixed.boolean("log.cleaner.enable") else {
            log.warning("log.cleaner.enable is false: topics with compaction grow without end")
            return
        }
        lookLater()
    }

    /// Nothing is begun any more; what is under way ends with its present piece.
    package func stop() { state.withLock { $0.isStopped = true } }

    private func lookLater() {
        let pause = CleanerSettings(settings.current).backoffMilliseconds
        world.controlLoop.schedule(afterMilliseconds: pause) { [weak self] in
            guard let self, !self.state.withLock({ $0.isStopped }) else { return }
            self.world.pool.run { self.look() }
            self.lookLater()
        }
    }

    /// Begins as many compactions as there are threads and dirty logs; blocks.
    package func look() {
        let isAlone = state.withLock { state in
            guard !state.isLooking, !state.isStopped else { return false }
            state.isLooking = true
            state.lastLook = world.clock.now
            return true
        }
        guard isAlone else { return }
        let settings = CleanerSettings(settings.current)
        var candidates = self.candidates()
        state.withLock { $0.figures.dirtyRatioMax = candidates.map(\.ratio).max() ?? 0 }
        candidates = candidates.filter(\.isDue).sorted { $0.precedes($1) }
        for candidate in candidates {
            let mayBegin = state.withLock { state in
                guard state.running.count < settings.threads, !state.isStopped else { return false }
                return state.running.insert(candidate.partition.id).inserted
            }
            guard mayBegin else { break }
            begin(candidate, settings)
        }
        state.withLock { $0.isLooking = false }
    }

    private func candidates() -> [CleaningCandidate] {
        let (running, uncleanable) = state.withLock { ($0.running, $0.uncleanable) }
        let now = world.clock.timeOfDay
        return table.all.compactMap { partition in
            guard partition.settings.log.isCompacted, !running.contains(partition.id), uncleanable[partition.id] == nil
            else { return nil }
            partition.rollIfOverdue(now: now)
            guard let source = partition.compactionSource(now: now)
            else { return nil }
            do throws(StorageError) {
                return CleaningCandidate(
                    partition: partition, source: source,
                    overdueMilliseconds: try source.overdueMilliseconds(now: now, world.files) ?? 0,
                    ratio: source.dirtyRatio, leastRatio: partition.settings.log.minCleanableDirtyRatio)
            } catch {
                failed(partition, source, error)
                return nil
            }
        }
    }

    private func begin(_ candidate: CleaningCandidate, _ settings: CleanerSettings) {
        let limits = LogCompaction.Limits(
            mapBytes: settings.mapBytes, mapLoad: settings.mapLoad, bufferBytes: settings.bufferBytes)
        let secret = KeyHash.Secret(world.randomness.next(), world.randomness.next())
        let compaction = LogCompaction(
            candidate.source, files: world.files, limits: limits, secret: secret, now: world.clock.timeOfDay)
        let job = CleaningJob(candidate.partition, candidate, compaction, settings, began: world.clock.now)
        job.partition.disk.pool.run { self.advance(job) }
    }

    // MARK: One compaction

    private func advance(_ job: CleaningJob) {
        guard !state.withLock({ $0.isStopped }) else { return abandon(job) }
        do throws(StorageError) {
            let progress = try job.compaction.withLock { (compaction) throws(StorageError) in
                try compaction.step(bytes: LogCleaner.chunkBytes)
            }
            switch progress {
            case .working(let bytes): goOn(job, after: bytes)
            case .cleaned(let segment):
                // The log was cut, closed or shortened meanwhile: the next look sees it as it is.
                guard job.partition.replace(with: segment) else {
                    segment.discard(in: job.partition.directory, world.files)
                    return abandon(job)
                }
                goOn(job, after: 0)
            case .finished(let end): finish(job, upTo: end)
            }
        } catch {
            abandon(job)
            failed(job.partition, job.source, error)
        }
    }

    private func goOn(_ job: CleaningJob, after bytes: Int64) {
        let pause = job.pauseMilliseconds(after: bytes, now: world.clock.now)
        let pool = job.partition.disk.pool
        guard pause > 0 else { return pool.run { self.advance(job) } }
        world.controlLoop.schedule(afterMilliseconds: pause) { pool.run { self.advance(job) } }
    }

    private func finish(_ job: CleaningJob, upTo end: Offset) {
        job.partition.compacted(upTo: end, job.source)
        upkeep.saveCleanedEnds(of: job.partition.logDirectory)
        let done = job.compaction.withLock { $0.figures }
        let run = CleanerFigures.Run(
            milliseconds: world.clock.now.milliseconds(since: job.began), bytesRead: done.bytesRead,
            bytesWritten: done.bytesWritten, mapUtilization: done.mapUtilization,
            delayMilliseconds: job.overdueMilliseconds)
        state.withLock { state in
            state.running.remove(job.partition.id)
            state.figures.succeeded(
                run, recordsRemoved: done.recordsRead - done.recordsKept, keyless: done.keylessRecords)
        }
        log.info(
            "log compacted",
            metadata: [
                "log": "\(job.partition.directory)", "from": "\(job.source.firstDirty)", "upTo": "\(end)",
                "bytesBefore": "\(done.bytesRead)", "bytesAfter": "\(done.bytesWritten)",
                "recordsRemoved": "\(done.recordsRead - done.recordsKept)", "milliseconds": "\(run.milliseconds)",
            ])
        if done.keylessRecords > 0 {
            log.warning(
                "records without a key were removed: the topic is compacted",
                metadata: ["log": "\(job.partition.directory)", "records": "\(done.keylessRecords)"])
        }
        // There may be another, and the map may have been too small for all of this one.
        look()
    }

    private func abandon(_ job: CleaningJob) {
        job.compaction.withLock { $0.discard() }
        _ = state.withLock { $0.running.remove(job.partition.id) }
    }

    private func failed(_ partition: Partition, _ source: CompactionSource, _ error: StorageError) {
        switch error {
        case .file(let file) where file.kind == .notFound:
            // A segment went meanwhile: the next look sees it.
            return
        case .file(let file) where file.kind == .noSpace:
            state.withLock { $0.figures.failed() }
            log.warning(
                "a log is not compacted: the disk is full",
                metadata: ["log": "\(partition.directory)", "error": "\(error)"])
        case .file(let file):
            state.withLock { $0.figures.failed() }
            partition.diskFailed(file)
        case .corrupt, .invalidBatch, .offline, .offsetOutOfRange, .notContiguous:
            guard partition.isUncut(since: source) else { return }
            if case .corrupt(let path, _, _) = error { partition.suspect(path) }
            state.withLock { state in
                state.figures.failed()
                state.uncleanable[partition.id] = "\(error)"
            }
            log.error(
                "a log can't be compacted; it is tried again after a restart",
                metadata: ["log": "\(partition.directory)", "error": "\(error)"])
        }
    }

    // MARK: What others ask

    var status: Status {
        let (uncleanable, figures, lastLook) = state.withLock { ($0.uncleanable, $0.figures, $0.lastLook) }
        var status = Status(figures: figures, lastLook: lastLook)
        for (path, _) in table.directories.online { status.uncleanable[path] = (0, 0) }
        guard !uncleanable.isEmpty else { return status }
        let now = world.clock.timeOfDay
        for partition in table.all where uncleanable[partition.id] != nil {
            let bytes = partition.compactionSource(now: now)?.dirtyBytes ?? 0
            let former = status.uncleanable[partition.logDirectory] ?? (0, 0)
            status.uncleanable[partition.logDirectory] = (former.count + 1, former.bytes + bytes)
        }
        return status
    }
}
