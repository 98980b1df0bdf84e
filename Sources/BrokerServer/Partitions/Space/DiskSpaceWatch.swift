import Logging
import Primitives
import Replication
import Synchronization
import World

/// Keeps a reserve of free space on the disk of each log directory, so that a node on a full disk can still write its
/// metadata, trim its logs, stop and start again.
///
/// Below the reserve the partitions of the directory take no more records: producers get a retriable error, followers
/// do not fetch and leave the ISR by their lag. What is there can be read and deleted. Once a quarter more than the
/// reserve is free they go on by themselves.
final class DiskSpaceWatch: Sendable {
    private let table: PartitionTable
    private let world: World
    private let settings: DynamicSettings
    private let log: Logger
    private let full = Mutex<Set<String>>([])
    private let isStopped = Atomic(false)

    /// The pause between two looks; a disk that takes 500 MB a second fills half of the default reserve in it.
    private static let lookMilliseconds: Int64 = 250
    /// On a small disk the reserve is no more than this part of it.
    private static let partOfDiskMax: Int64 = 20

    init(table: PartitionTable, world: World, settings: DynamicSettings, log: Logger) {
        self.table = table
        self.world = world
        self.settings = settings
        self.log = log
    }

    /// The directories that take no records now.
    var fullDirectories: Set<String> { full.withLock { $0 } }

    func start() {
        world.controlLoop.schedule(afterMilliseconds: DiskSpaceWatch.lookMilliseconds) { [weak self] in
            guard let self, !self.isStopped.load(ordering: .relaxed) else { return }
            self.world.pool.run {
                self.look()
                self.world.controlLoop.execute { self.start() }
            }
        }
    }

    /// No timer does anything from now on.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Bytes that are to stay free on a disk of `total` bytes.
    static func reserve(_ wanted: Int64, ofTotal total: Int64) -> Int64 { min(wanted, total / partOfDiskMax) }

    /// Looks at every disk; blocks.
    func look() {
        let wanted = settings.current.integer("log.dir.reserved.bytes")
        var now: Set<String> = []
        for (path, _) in table.directories.online {
            guard let free = try? world.files.freeBytes(path), let total = try? world.files.totalBytes(path) else {
                continue
            }
            let reserve = DiskSpaceWatch.reserve(wanted, ofTotal: total)
            let wasFull = full.withLock { $0.contains(path) }
            let isFull = free < (wasFull ? reserve + reserve / 4 : reserve)
            if isFull { now.insert(path) }
            guard isFull != wasFull else { continue }
            tell(path, isFull: isFull, free: free, reserve: reserve)
        }
        let before = full.withLock { full in
            defer { full = now }
            return full
        }
        // Where no disk is full nor was, no partition has to be told.
        if now.isEmpty, before.isEmpty { return }
        for partition in table.all { partition.diskIs(full: now.contains(partition.logDirectory)) }
    }

    private func tell(_ path: String, isFull: Bool, free: Int64, reserve: Int64) {
        var facts: Logger.Metadata = ["directory": "\(path)", "freeBytes": "\(free)", "reserveBytes": "\(reserve)"]
        if isFull {
            facts["remedy"] = "shorten retention, delete records, or make the disk larger"
            log.error(
                "a disk is nearly full: its partitions take no records until there is space again", metadata: facts)
        } else {
            log.warning("a disk has space again: its partitions take records", metadata: facts)
        }
    }
}

extension Partition {
    /// The disk below it has too little space left, or has enough again.
    func diskIs(full: Bool) {
        guard state.withLock({ $0.isDiskFull != full }) else { return }
        step { state, after in
            state.isDiskFull = full
            guard state.follower != nil, let leader = state.assignment.leader else { return }
            after.following = full ? .stop : .start(leader: leader)
        }
    }
}
