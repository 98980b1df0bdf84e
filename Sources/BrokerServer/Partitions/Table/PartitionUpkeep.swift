package import Logging
import LogStorage
import Metadata
import Primitives
import Synchronization
package import World

/// What partitions need from time to time: lag checks, checkpoints, retention. Timers on the control loop, work on the
/// threads of each disk.
package final class PartitionUpkeep: Sendable {
    private let table: PartitionTable
    private let world: World
    private let settings: Settings
    private let log: Logger
    private let isStopped = Atomic(false)

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
        every(PartitionLog.trustLookMilliseconds) { [table] in
            for partition in table.all { partition.ageTrust() }
        }
        every(settings.integer("replica.high.watermark.checkpoint.interval.ms")) { [self] in
            onEachDisk(.highWatermarks) { self.writeCheckpoints([.highWatermark], of: $0) }
        }
        every(max(settings.integer("log.flush.offset.checkpoint.interval.ms"), 1000)) { [self] in
            onEachDisk(.recoveryPoints) { self.writeCheckpoints([.recoveryPoint, .logStart, .cleaner], of: $0) }
        }
        every(settings.integer("producer.id.expiration.check.interval.ms")) { [self] in
            onEachDisk(.producers) { for partition in self.partitions(of: $0) { partition.expireProducers() } }
        }
        every(min(settings.integer("log.flush.scheduler.interval.ms"), PartitionUpkeep.flushLookMilliseconds)) {
            [table] in
            for partition in table.all { partition.flushIfOverdue() }
        }
        every(settings.integer("log.retention.check.interval.ms")) { [self] in
            onEachDisk(.retention) { self.enforceRetention(of: $0) }
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

    // MARK: what each disk does for itself

    /// Does a chore on the threads of each directory that works, unless it waits there already.
    private func onEachDisk(_ chore: DataDisk.Chore, _ work: @escaping @Sendable (_ directory: String) -> Void) {
        for (path, _) in table.directories.online { table.services.disks[path].run(chore) { work(path) } }
    }

    private func partitions(of directory: String) -> [Partition] {
        table.all.filter { $0.logDirectory == directory }
    }

    /// Writes how far a directory's logs are compacted, behind its other chores.
    package func saveCleanedEnds(of directory: String) {
        table.services.disks[directory].run(.cleanedEnds) { self.writeCheckpoints([.cleaner], of: directory) }
    }

    /// Writes all checkpoints of a directory to which, or from which, a replica has moved.
    package func saveAll(of directory: String) {
        let disk = table.services.disks[directory]
        disk.run(.recoveryPoints) { self.writeCheckpoints([.recoveryPoint, .logStart, .cleaner], of: directory) }
        disk.run(.highWatermarks) { self.writeCheckpoints([.highWatermark], of: directory) }
    }

    /// Closes every log in order and writes all checkpoints for what is flushed by then, the disks side by side.
    ///
    /// - Parameter closed: called for each directory that works when all in it is closed, on its threads.
    /// - Parameter done: called once, behind all.
    package func closeAll(
        closed: @escaping @Sendable (_ directory: String) -> Void, done: @escaping @Sendable () -> Void
    ) {
        let closing = Dictionary(grouping: table.all, by: \.logDirectory)
        let paths = Set(closing.keys).union(table.directories.online.map(\.path)).sorted()
        if paths.isEmpty { return done() }
        let countdown = Countdown(from: paths.count, done)
        for path in paths {
            table.services.disks[path].finish {
                self.close(closing[path] ?? [], in: path)
                if self.table.directories.online.contains(where: { $0.path == path }) { closed(path) }
                countdown.arrived()
            }
        }
    }

    private func close(_ partitions: [Partition], in directory: String) {
        let closing = partitions.compactMap { partition in
            partition.position.map { position in
                var closed = position
                closed.flushedEnd = position.logEnd
                return (partition, closed)
            }
        }
        for partition in partitions { partition.shutDown() }
        guard table.directories.online.contains(where: { $0.path == directory }) else { return }
        write([.recoveryPoint, .logStart, .highWatermark, .cleaner], closing, in: directory)
    }

    /// Writes checkpoint files of one directory; blocks.
    private func writeCheckpoints(_ kinds: [OffsetCheckpoint.Kind], of directory: String) {
        let positions = partitions(of: directory).compactMap { partition in
            partition.position.map { (partition, $0) }
        }
        guard write(kinds, positions, in: directory), kinds.contains(.recoveryPoint) else { return }
        for (partition, position) in positions { partition.recoveryPointWasSaved(position.flushedEnd) }
    }

    /// False where one can't be written; the directory is offline then.
    @discardableResult
    private func write(
        _ kinds: [OffsetCheckpoint.Kind], _ positions: [(Partition, Partition.Position)], in directory: String
    ) -> Bool {
        for kind in kinds {
            let entries = positions.compactMap { partition, position in
                kind.offset(position).map { offset in
                    OffsetCheckpoint.Entry(topic: partition.topicName, partition: partition.id.index, offset: offset)
                }
            }
            do throws(FileError) {
                try OffsetCheckpoint(entries: entries).write(kind, in: directory, world.files)
            } catch {
                table.services.logFailed(LogFailure(directory: directory, reason: "\(error)"))
                return false
            }
        }
        return true
    }

    private func enforceRetention(of directory: String) {
        let pool = table.services.disks[directory].pool
        for partition in partitions(of: directory) {
            let removals = partition.enforceRetention()
            guard !removals.isEmpty else { continue }
            log.info(
                "segments deleted by retention",
                metadata: ["log": "\(partition.directory)", "segments": "\(removals.count)"])
            world.controlLoop.schedule(afterMilliseconds: partition.settings.deleteDelayMilliseconds) {
                pool.run { self.run(removals) }
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

/// Calls back when as many as were announced have arrived, from any thread.
private final class Countdown: Sendable {
    private let left: Mutex<Int>
    private let done: @Sendable () -> Void

    init(from count: Int, _ done: @escaping @Sendable () -> Void) {
        left = Mutex(count)
        self.done = done
    }

    func arrived() {
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { done() }
    }
}
