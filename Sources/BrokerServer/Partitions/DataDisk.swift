import Primitives
import Synchronization
import World

/// What waits for one log directory: threads of its own, so that a slow disk holds up only what lies on it.
final class DataDisk: Sendable {
    /// Work that comes back with a timer. Of each kind one waits at most: a disk that can't keep up does it less often.
    enum Chore: Hashable, Sendable {
        case highWatermarks
        case recoveryPoints
        case cleanedEnds
        case producers
        case retention
    }

    let pool: any BlockingPool
    /// How long its flushes take.
    let flushes = FlushWatch()
    /// One after the other: two must not write the same checkpoint.
    private let line: NarrowPool
    /// What waits; nil once it is finished: what was written last must stay.
    private let waiting = Mutex<Set<Chore>?>([])

    init(pool: any BlockingPool) {
        self.pool = pool
        line = NarrowPool(pool, width: 1)
    }

    /// Does a chore behind those that were begun before, unless one of its kind waits already.
    func run(_ chore: Chore, _ work: @escaping @Sendable () -> Void) {
        guard waiting.withLock({ $0?.insert(chore).inserted ?? false }) else { return }
        line.run {
            _ = self.waiting.withLock { $0?.remove(chore) }
            work()
        }
    }

    /// Runs the last work of a stop behind all chores that were begun; there are none after it.
    func finish(_ work: @escaping @Sendable () -> Void) {
        waiting.withLock { $0 = nil }
        line.run(work)
    }
}

/// The disk of each log directory, by its path.
final class DataDisks: Sendable {
    private let world: World
    private let disks = Mutex<[String: DataDisk]>([:])

    init(_ world: World) { self.world = world }

    /// That of the directory at `path`; its threads start when it is asked for first.
    subscript(path: String) -> DataDisk {
        disks.withLock { disks in
            if let known = disks[path] { return known }
            let made = DataDisk(pool: world.diskPool())
            disks[path] = made
            return made
        }
    }
}
