package import Logging
import LogStorage
import Metadata
import Primitives
import Synchronization
package import World

/// What partitions need from time to time: lag checks, checkpoints, retention. Timers on the control loop, work on the
/// pool.
package final class PartitionUpkeep: Sendable {
    private let table: PartitionTable
    private let world: World
    private let settings: Settings
    private let log: Logger
    private let isStopped = Atomic(false)
    /// Held while checkpoints are written: two writers at once take each other's temporary files away, and the later
    /// one may write the older positions. A timer that finds it held does nothing this time.
    private let writing = Mutex(())

    package init(table: PartitionTable, world: World, settings: Settings, log: Logger) {
        self.table = table
        self.world = world
        self.settings = settings
        self.log = log
    }

    /// Longest pause between two looks for logs that are due to be flushed.
    private static let flushLookMilliseconds: Int64 = 1_000

    /// The pause between two looks for leaders that hear nobody.
    private static let cutOffLookMilliseconds: Int64 = 250

    /// Starts all timers.
    package func start() {
        every(max(settings.integer("replica.lag.time.max.ms") / 2, 1)) { [table] in
            for partition in table.all { partition.checkLag() }
        }
        every(PartitionUpkeep.cutOffLookMilliseconds) { [table] in
            let contact = table.services.contact
            guard contact.isLost(now: table.services.clock.now) else {
                return contact.isCutOff.store(false, ordering: .relaxed)
            }
            var isCutOff = false
            for partition in table.all where partition.isCutOff {
                isCutOff = true
                partition.failWaitingIfCutOff()
            }
            contact.isCutOff.store(isCutOff, ordering: .relaxed)
        }
        every(settings.integer("replica.high.watermark.checkpoint.interval.ms")) { [self] in
            world.pool.run { self.writeCheckpointsIfNobodyDoes([.highWatermark]) }
        }
        every(max(settings.integer("log.flush.offset.checkpoint.interval.ms"), 1000)) { [self] in
            world.pool.run { self.writeCheckpointsIfNobodyDoes([.recoveryPoint, .logStart, .cleaner]) }
        }
        every(settings.integer("producer.id.expiration.check.interval.ms")) { [self] in
            world.pool.run { for partition in self.table.all { partition.expireProducers() } }
        }
        every(min(settings.integer("log.flush.scheduler.interval.ms"), PartitionUpkeep.flushLookMilliseconds)) {
            [table] in
            for partition in table.all where partition.settings.flushMillisecondsMax < Int64.max {
                partition.flushIfOverdue()
            }
        }
        every(settings.integer("log.retention.check.interval.ms")) { [self] in
            world.pool.run { self.enforceRetention() }
        }
    }

    /// No timer does anything from now on.
    package func stop() { isStopped.store(true, ordering: .relaxed) }

    private func every(_ milliseconds: Int64, _ work: @escaping @Sendable () -> Void) {
        world.controlLoop.schedule(afterMilliseconds: milliseconds) { [weak self] in
            guard let self, !self.isStopped.load(ordering: .relaxed) else { return }
            work()
            self.every(milliseconds, work)
        }
    }

    /// Closes every log in order and writes all checkpoints for what is flushed by then; blocks.
    package func closeAll() {
        let closing = table.all.compactMap { partition in
            partition.position.map { position in
                var closed = position
                closed.flushedEnd = position.logEnd
                return (partition, closed)
            }
        }
        for partition in table.all { partition.shutDown() }
        writing.withLock { _ in write([.recoveryPoint, .logStart, .highWatermark, .cleaner], closing) }
    }

    /// Writes how far logs are compacted; blocks.
    package func saveCleanerCheckpoint() { writing.withLock { _ in writeCheckpoints([.cleaner]) } }

    private func writeCheckpointsIfNobodyDoes(_ kinds: [OffsetCheckpoint.Kind]) {
        _ = writing.withLockIfAvailable { _ in writeCheckpoints(kinds) }
    }

    /// Writes the checkpoint files of all working directories; blocks. Only under `writing`.
    private func writeCheckpoints(_ kinds: [OffsetCheckpoint.Kind]) {
        let positions = table.all.compactMap { partition in partition.position.map { (partition, $0) } }
        write(kinds, positions)
        guard kinds.contains(.recoveryPoint) else { return }
        for (partition, position) in positions { partition.recoveryPointWasSaved(position.flushedEnd) }
    }

    private func write(_ kinds: [OffsetCheckpoint.Kind], _ all: [(Partition, Partition.Position)]) {
        for (path, _) in table.directories.online {
            let positions = all.filter { $0.0.logDirectory == path }
            for kind in kinds {
                let entries = positions.compactMap { partition, position in
                    kind.offset(position).map { offset in
                        OffsetCheckpoint.Entry(
                            topic: partition.topicName, partition: partition.id.index, offset: offset)
                    }
                }
                do throws(FileError) {
                    try OffsetCheckpoint(entries: entries).write(kind, in: path, world.files)
                } catch {
                    return table.services.logFailed(LogFailure(directory: path, reason: "\(error)"))
                }
            }
        }
    }

    private func enforceRetention() {
        for partition in table.all {
            let removals = partition.enforceRetention()
            guard !removals.isEmpty else { continue }
            log.info(
                "segments deleted by retention",
                metadata: ["log": "\(partition.directory)", "segments": "\(removals.count)"])
            world.controlLoop.schedule(afterMilliseconds: partition.settings.deleteDelayMilliseconds) { [world] in
                world.pool.run { self.run(removals) }
            }
        }
    }

    private func run(_ removals: [SegmentRemoval]) {
        for removal in removals {
            do throws(FileError) { try removal.run(world.files) } catch {
                log.warning("a deleted segment's files stay", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension OffsetCheckpoint.Kind {
    /// What a checkpoint of this kind holds for a partition; nil where that is nothing.
    fileprivate func offset(_ position: Partition.Position) -> Offset? {
        switch self {
        case .recoveryPoint: position.flushedEnd
        case .highWatermark: position.highWatermark
        case .logStart: position.logStart
        case .cleaner: position.cleanedEnd > .zero ? position.cleanedEnd : nil
        }
    }
}
