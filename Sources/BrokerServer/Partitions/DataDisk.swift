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
    /// How long its flushes take, and its writes while they are slow.
    let flushes = FlushWatch()
    /// Writes that were slow, and those that were done on its threads for it.
    let slowWrites = Atomic<UInt64>(0)
    let handedOver = Atomic<UInt64>(0)
    private let pace = Mutex(WritePace())
    private let hands = Atomic(false)
    private let whenTurned: @Sendable (WritePace.Turn) -> Void
    /// One after the other: two must not write the same checkpoint.
    private let line: NarrowPool
    /// What waits; nil once it is finished: what was written last must stay.
    private let waiting = Mutex<Set<Chore>?>([])

    init(pool: any BlockingPool, whenTurned: @escaping @Sendable (WritePace.Turn) -> Void = { _ in }) {
        self.pool = pool
        self.whenTurned = whenTurned
        line = NarrowPool(pool, width: 1)
    }

    /// Whether what is written to it is left to its threads.
    var handsOver: Bool { hands.load(ordering: .relaxed) }

    /// Whether its writes are slow.
    var isSlow: Bool { pace.withLock { $0.isSlow } }

    /// A write to it was done, on a loop or on its threads.
    func wrote(from begun: MonotonicInstant, to ended: MonotonicInstant) {
        if WritePace.isSlow(from: begun, to: ended) { slowWrites.wrappingAdd(1, ordering: .relaxed) }
        let turn = pace.withLock { pace in
            let turn = pace.wrote(from: begun, to: ended)
            hands.store(pace.handsOver, ordering: .relaxed)
            return turn
        }
        if let turn { whenTurned(turn) }
    }

    /// Something was done on a loop that may have waited for a write to this disk: it did if that took long.
    func loopWaited(from begun: MonotonicInstant, to ended: MonotonicInstant) {
        guard WritePace.isSlow(from: begun, to: ended) else { return }
        flushes.ended(flushes.began(at: begun), at: ended)
        wrote(from: begun, to: ended)
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
    private let listener = Mutex<Listener?>(nil)

    /// Who hears that a directory became slow, or fast again.
    typealias Listener = @Sendable (_ path: String, WritePace.Turn) -> Void

    init(_ world: World) { self.world = world }

    func whenTurned(_ listener: @escaping Listener) { self.listener.withLock { $0 = listener } }

    private func turned(_ path: String, _ turn: WritePace.Turn) { listener.withLock { $0 }?(path, turn) }

    /// That of the directory at `path`; its threads start when it is asked for first.
    subscript(path: String) -> DataDisk {
        disks.withLock { disks in
            if let known = disks[path] { return known }
            let made = DataDisk(pool: world.diskPool()) { [weak self] in self?.turned(path, $0) }
            disks[path] = made
            return made
        }
    }
}
