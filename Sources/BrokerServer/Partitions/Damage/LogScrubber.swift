import LogStorage
import Primitives
import Synchronization
import World

/// Reads every log again, slowly, one partition after the other: a disk damages what nobody reads, too, and another
/// replica can mend it only while there is one.
///
/// In pieces of `chunkBytes` on the pool, paced by `log.scrub.io.max.bytes.per.second`; a pass begins
/// `log.scrub.interval.ms` after the last one began, or when that one has ended. What stands in the page cache is
/// checked as it stands there.
final class LogScrubber: Sendable {
    /// What the metrics tell.
    struct Figures: Hashable, Sendable {
        var passes: UInt64 = 0
        var bytes: UInt64 = 0
        var damagedLogs: UInt64 = 0
    }

    /// One pass over all logs that were there when it began.
    private struct Pass {
        var partitions: ArraySlice<Partition>
        var segments: ArraySlice<(partition: Partition, segment: AuditedSegment)> = []
        var current: (partition: Partition, segment: AuditedSegment, audit: BatchAudit)?
        let began: MonotonicInstant
    }

    private let table: PartitionTable
    private let world: World
    private let settings: DynamicSettings
    /// Touched by one thread of the pool at a time.
    private let pass = Mutex<Pass?>(nil)
    private let counted = Mutex(Figures())
    private let isStopped = Atomic(false)

    /// Bytes that one piece of work reads.
    private static let chunkBytes: Int64 = 256 << 10
    /// A changed pace is seen after so long.
    private static let pauseMillisecondsMax: Int64 = 10_000
    /// The pause before it is looked whether scrubbing was switched on.
    private static let idleMilliseconds: Int64 = 10_000

    init(table: PartitionTable, world: World, settings: DynamicSettings) {
        self.table = table
        self.world = world
        self.settings = settings
    }

    var figures: Figures { counted.withLock { $0 } }

    /// Begins the first pass after one interval, as a start has other things to read.
    func start() { goOn(afterMilliseconds: intervalMilliseconds) }

    /// Nothing is begun any more; what is under way ends with its present piece.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Nil while scrubbing is switched off.
    private var bytesPerSecond: Int64? {
        let given = settings.current.integer("log.scrub.io.max.bytes.per.second")
        return given > 0 ? given : nil
    }

    private var intervalMilliseconds: Int64 { max(settings.current.integer("log.scrub.interval.ms"), 1) }

    private func goOn(afterMilliseconds milliseconds: Int64) {
        world.controlLoop.schedule(afterMilliseconds: milliseconds) { [weak self] in
            guard let self, !self.isStopped.load(ordering: .relaxed) else { return }
            self.world.pool.run { self.work() }
        }
    }

    /// One piece; then the next, as soon as the pace allows it.
    private func work() {
        guard let pace = bytesPerSecond else { return goOn(afterMilliseconds: LogScrubber.idleMilliseconds) }
        let pause: Int64 = pass.withLock { pass in
            var current = pass ?? Pass(partitions: ArraySlice(table.all), began: world.clock.now)
            guard let read = step(&current) else {
                pass = nil
                counted.withLock { $0.passes += 1 }
                return max(intervalMilliseconds - world.clock.now.milliseconds(since: current.began), 1)
            }
            counted.withLock { $0.bytes += UInt64(read) }
            pass = current
            // Rounded up: a pace of less than one piece a second is kept, too.
            return min((read * 1_000 + pace - 1) / pace, LogScrubber.pauseMillisecondsMax)
        }
        goOn(afterMilliseconds: max(pause, 1))
    }

    /// Reads one piece; how many bytes that was, or nil at the end of the pass.
    private func step(_ pass: inout Pass) -> Int64? {
        while pass.current == nil {
            if let (partition, segment) = pass.segments.popFirst() {
                pass.current = (partition, segment, segment.audit)
            } else if let partition = pass.partitions.popFirst() {
                pass.segments = ArraySlice(partition.segmentsToScrub.map { (partition, $0) })
            } else {
                return nil
            }
        }
        guard case (let partition, let segment, var audit)? = pass.current else { return nil }
        do throws(FileError) {
            switch try audit.step(bytes: LogScrubber.chunkBytes) {
            case .working(let bytes):
                pass.current = (partition, segment, audit)
                return bytes
            case .sound(let bytes):
                pass.current = nil
                return bytes
            case .damaged(let damage):
                pass.current = nil
                // One is enough: the replica is made anew.
                pass.segments = []
                counted.withLock { $0.damagedLogs += 1 }
                partition.found(damage, in: segment)
                return LogScrubber.chunkBytes
            }
        } catch {
            pass.current = nil
            partition.readFailed(error, in: segment)
            return LogScrubber.chunkBytes
        }
    }
}
