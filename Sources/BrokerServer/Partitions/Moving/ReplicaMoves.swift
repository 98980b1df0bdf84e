import Logging
import LogStorage
import Metadata
import Primitives
import Synchronization
import World

/// All moves of replicas between the log directories of this broker (AlterReplicaLogDirs).
///
/// Each target directory has `num.replica.alter.log.dirs.threads`, divided by the directories, at work, in pieces.
final class ReplicaMoves: Sendable {
    /// What the metrics tell.
    struct Totals: Hashable, Sendable {
        var bytes: UInt64 = 0
        var finished: UInt64 = 0
        var calledOff: UInt64 = 0
        var failed: UInt64 = 0
    }

    private struct Place: Hashable {
        let topic: String
        let index: PartitionIndex
    }

    private struct State {
        var moves: [TopicPartitionID: ReplicaMove] = [:]
        /// Where replicas that are not here yet are to be made.
        var preferences: [Place: String] = [:]
        var totals = Totals()
        var isStopped = false
    }

    /// Preferences that are kept at most; those beyond are not remembered.
    private static let preferencesMax = 10_000

    let directories: DataDirectories
    let services: PartitionServices
    let settings: DynamicSettings
    let randomness: any Randomness
    let log: Logger
    private let cache: MetadataCache
    private let width: Int
    private let state = Mutex(State())
    private let pools = Mutex<[String: NarrowPool]>([:])
    /// Writes the checkpoints of a directory whose replicas have changed.
    private let saver = Mutex<(@Sendable (String) -> Void)?>(nil)

    init(
        directories: DataDirectories, services: PartitionServices, cache: MetadataCache, settings: DynamicSettings,
        randomness: any Randomness, log: Logger
    ) {
        self.directories = directories
        self.services = services
        self.cache = cache
        self.settings = settings
        self.randomness = randomness
        self.log = log
        let paths = max(directories.all.count, 1)
        let threads = settings.fixed.optionalInteger("num.replica.alter.log.dirs.threads").map(Int.init) ?? paths
        width = max(threads / paths, 1)
    }

    /// Sets who writes checkpoints.
    func whenMoved(_ save: @escaping @Sendable (String) -> Void) { saver.withLock { $0 = save } }

    // MARK: what is asked for

    /// Begins to move a replica to the log directory at `path`, or calls a move off where that is its own.
    ///
    /// - Returns: INVALID_TOPIC_EXCEPTION for a name that leaves no room for the copy's, LOG_DIR_NOT_FOUND,
    ///   KAFKA_STORAGE_ERROR for a directory or replica that is offline, REPLICA_NOT_AVAILABLE where the replica is not
    ///   here (yet: it will be made there), UNKNOWN_TOPIC_OR_PARTITION.
    func move(_ topic: String, _ index: PartitionIndex, _ partition: Partition?, to path: String) -> ErrorCode {
        let name = PartitionDirectoryName(topic: topic, partition: index)
        guard name.hasRoomForKind else { return .invalidTopicException }
        guard let directory = directories.all.first(where: { $0.path == path }) else { return .logDirNotFound }
        guard directory.offlineReason == nil else { return .kafkaStorageError }
        guard let partition else {
            prefer(path, for: Place(topic: topic, index: index))
            return cache.current.topics[name: topic]?[index] == nil ? .unknownTopicOrPartition : .replicaNotAvailable
        }
        let (isOffline, isOpen) = partition.state.withLock { ($0.isOffline, $0.isOpen) }
        if isOffline { return .kafkaStorageError }
        guard isOpen else { return .replicaNotAvailable }
        begin(partition, to: path, found: nil)
        return .noError
    }

    private func prefer(_ path: String, for place: Place) {
        state.withLock { state in
            guard state.preferences[place] != nil || state.preferences.count < ReplicaMoves.preferencesMax else {
                return
            }
            state.preferences[place] = path
        }
    }

    /// Where a replica that is being made was asked to lie; forgotten by this.
    func takePreference(_ topic: String, _ index: PartitionIndex) -> String? {
        state.withLock { state in
            state.preferences.isEmpty ? nil : state.preferences.removeValue(forKey: Place(topic: topic, index: index))
        }
    }

    /// Goes on with a move that the last stop or crash interrupted.
    func resume(_ partition: Partition, _ found: (directory: String, name: PartitionDirectoryName)) {
        begin(partition, to: found.directory, found: found)
    }

    private func begin(
        _ partition: Partition, to path: String, found: (directory: String, name: PartitionDirectoryName)?
    ) {
        let begun: ReplicaMove? = state.withLock { state in
            if state.isStopped { return nil }
            if let known = state.moves[partition.id], known.partition === partition {
                // Its own work sees it: an open copy elsewhere is given up first.
                known.destination = path
                return nil
            }
            if partition.logDirectory == path { return nil }
            let move = ReplicaMove(partition, to: path, found: found)
            if found != nil, isKnown(partition, toLieIn: path) { move.announcedDirectory = path }
            state.moves[partition.id] = move
            return move
        }
        guard let begun else { return }
        log.info(
            "a replica moves to another log directory",
            metadata: ["log": "\(partition.directory)", "to": "\(path)", "resumed": "\(found != nil)"])
        goOn(begun, afterMilliseconds: 0)
    }

    // MARK: what others ask

    /// The move of a replica that has one.
    func move(of partition: Partition) -> ReplicaMove? {
        state.withLock { state in
            guard !state.moves.isEmpty, let move = state.moves[partition.id], move.partition === partition else {
                return nil
            }
            return move
        }
    }

    var all: [ReplicaMove] { state.withLock { Array($0.moves.values) } }

    var totals: Totals { state.withLock { $0.totals } }

    /// The log directory in which the controller is to know a replica.
    func declaredDirectory(of partition: Partition) -> String {
        move(of: partition)?.announcedDirectory ?? partition.logDirectory
    }

    /// Nothing goes on from now on; what is there of copies stays for the next start.
    func stop() { state.withLock { $0.isStopped = true } }

    // MARK: work

    private func goOn(_ move: ReplicaMove, afterMilliseconds pause: Int64) {
        let work: @Sendable () -> Void = { [weak self] in self?.advance(move) }
        let pool = pool(of: move.destination)
        guard pause > 0 else { return pool.run(work) }
        services.timers.schedule(afterMilliseconds: pause) { pool.run(work) }
    }

    private func pool(of path: String) -> NarrowPool {
        let disk = services.disks[path]
        return pools.withLock { pools in
            if let known = pools[path] { return known }
            let made = NarrowPool(disk.pool, width: width)
            pools[path] = made
            return made
        }
    }

    private func advance(_ move: ReplicaMove) {
        guard !state.withLock({ $0.isStopped }) else { return }
        switch MoveStep(move, self).run() {
        case .again(let pause): goOn(move, afterMilliseconds: pause)
        case .arrived(let former):
            let own = move.partition.logDirectory
            log.info("a replica has moved", metadata: ["log": "\(move.partition.directory)", "from": "\(former)"])
            for path in [former, own] { saver.withLock { $0 }?(path) }
            end(move) { $0.finished += 1 }
        case .calledOff:
            end(move) { $0.calledOff += 1 }
        case .failed(let reason):
            forget(move)
            state.withLock { $0.totals.failed += 1 }
            log.error(
                "a replica does not move to another log directory",
                metadata: ["log": "\(move.partition.directory)", "to": "\(move.destination)", "reason": "\(reason)"])
        }
    }

    /// The replica lies where it is to lie, unless another destination was named in the meantime.
    private func end(_ move: ReplicaMove, _ count: (inout Totals) -> Void) {
        let own = move.partition.logDirectory
        let isRemoved = move.partition.copyHindrance == .closed
        let isOver = state.withLock { state in
            count(&state.totals)
            guard isRemoved || move.destination == own else { return false }
            if state.moves[move.partition.id] === move { state.moves[move.partition.id] = nil }
            return true
        }
        isOver ? move.partition.isMoving(false) : goOn(move, afterMilliseconds: 0)
    }

    private func forget(_ move: ReplicaMove) {
        state.withLock { state in
            if state.moves[move.partition.id] === move { state.moves[move.partition.id] = nil }
        }
        move.partition.isMoving(false)
    }

    func copied(bytes: Int) {
        services.throttles.directories.record(bytes: bytes, now: services.clock.now)
        state.withLock { $0.totals.bytes += UInt64(bytes) }
    }

    func freshID() -> UUID128 { UUID128(high: randomness.next(), low: randomness.next()) }

    /// Whether the disk below a log directory has no more than its reserve left.
    func isFull(_ path: String) -> Bool {
        let wanted = settings.current.integer("log.dir.reserved.bytes")
        guard let free = try? services.files.freeBytes(path), let total = try? services.files.totalBytes(path) else {
            return false
        }
        return free < DiskSpaceWatch.reserve(wanted, ofTotal: total)
    }

    /// Whether the metadata says that a replica lies in the log directory at `path`.
    func isKnown(_ partition: Partition, toLieIn path: String) -> Bool {
        // Without a controller to ask there is nobody to be told.
        guard services.directoryAssignments != nil else { return true }
        guard let id = directories.id(of: path) else { return false }
        return cache.current.topics[partition.id]?.directory(of: services.me) == id
    }

    /// Tells the controller that a replica lies, or is about to lie, in the log directory at `path`.
    func tell(_ partition: Partition, liesIn path: String) {
        guard let id = directories.id(of: path) else { return }
        services.directoryAssignments?.replica(partition.id, liesIn: isKnown(partition, toLieIn: path) ? nil : id)
    }
}
