import Controller
package import LogStorage
package import Primitives
import Synchronization
package import World

/// The log directories of this node: what was found in them at start, which of them work, where a new replica goes.
package final class DataDirectories: Sendable {
    /// One directory as it was found at start.
    package struct Found: Sendable {
        package var path: String
        package var id: DirectoryID
        package var wasCleanShutdown: Bool
        /// Nil when the file is damaged: after an unclean stop every log is scanned whole then.
        package var recoveryPoints: OffsetCheckpoint?
        package var highWatermarks: OffsetCheckpoint?
        package var logStarts: OffsetCheckpoint?
        package var cleanedEnds: OffsetCheckpoint?
        package var partitions: [LogDirectory.Found]
        /// What was damaged, each with what is done without it.
        package var damages: [String] = []
    }

    /// One directory that could not be used at start.
    package struct Failed: Hashable, Sendable {
        package var path: String
        package var reason: String

        package init(path: String, reason: String) {
            self.path = path
            self.reason = reason
        }
    }

    /// One directory as it is now.
    package struct Listed: Hashable, Sendable {
        package var path: String
        /// Nil while it works.
        package var offlineReason: String?
    }

    /// Where a replica lives, and what is known of its log.
    struct Place: Sendable {
        let directory: String
        let start: RecoveryStart
        let highWatermark: Offset
        /// A directory in the way, with records of another topic of this name: to be set aside first.
        let stranger: PartitionDirectoryName?
        /// A copy of it on its way to another log directory, which the last stop interrupted.
        var copy: (directory: String, name: PartitionDirectoryName)?
        /// Why its records must be somewhere, but are not here: an empty log in their place would pass for them.
        var missing: String?
        /// Why the replica can't be used before an operator has looked at it.
        var doubt: String?
    }

    private struct Directory {
        let found: Found
        /// Not claimed by metadata yet.
        var unclaimed: [PartitionDirectoryName: LogDirectory.Found]
        /// Copies that were on their way here when the node stopped, not claimed yet.
        var copies: [LogDirectory.Found]
        /// Names that replicas get which move here.
        var reserved: Set<PartitionDirectoryName> = []
        var replicas = 0
        var offlineReason: String?
    }

    private let state: Mutex<[Directory]>
    private let failedAtStart: [Failed]
    /// Whether checkpoints still tell of the replicas that are asked for: later ones may have the name of an older one.
    private let checkpointsCount = Atomic(true)

    /// - Parameter failed: those of the configuration that can't be used; nobody knows what is in them.
    package init(_ found: [Found], failed: [Failed] = []) {
        failedAtStart = failed
        state = Mutex(
            found.map { directory in
                let current = directory.partitions.filter { $0.name.kind == .current }
                return Directory(
                    found: directory, unclaimed: Dictionary(uniqueKeysWithValues: current.map { ($0.name, $0) }),
                    copies: directory.partitions.filter { $0.name.kind == .future })
            })
    }

    /// Reads what a start needs to know of one formatted, locked directory; blocks. The clean-shutdown file is gone
    /// afterwards: a crash from now on is seen as one.
    package static func look(
        into path: String, id: DirectoryID, files: any FileStore
    ) throws(FileError) -> (found: Found, cleanShutdown: CleanShutdownFile.Found) {
        let shutdown = try CleanShutdownFile.take(in: path, files)
        var damages: [String] = []
        var isClean = false
        switch shutdown {
        case .clean: isClean = true
        case .unclean: break
        case .damaged:
            damages.append(
                "\(path)/\(CleanShutdownFile.fileName): no JSON with version 0; the stop is taken for a crash, so "
                    + "every log is looked into")
        }
        var checkpoints: [OffsetCheckpoint.Kind: OffsetCheckpoint] = [:]
        for kind in OffsetCheckpoint.Kind.allCases {
            do throws(DirectoryFileError) { checkpoints[kind] = try OffsetCheckpoint.read(kind, in: path, files) } catch
            {
                guard case .malformed = error else { throw error.asFileError(reading: path + "/" + kind.rawValue) }
                damages.append("\(error); \(kind.substitute)")
            }
        }
        let found = Found(
            path: path, id: id, wasCleanShutdown: isClean, recoveryPoints: checkpoints[.recoveryPoint],
            highWatermarks: checkpoints[.highWatermark], logStarts: checkpoints[.logStart],
            cleanedEnds: checkpoints[.cleaner], partitions: try LogDirectory(path: path, files: files).partitions(),
            damages: damages)
        return (found, shutdown)
    }

    /// The directories that work, with their ids.
    package var online: [(path: String, id: DirectoryID)] {
        state.withLock { $0.filter { $0.offlineReason == nil }.map { ($0.found.path, $0.found.id) } }
    }

    /// The paths of those that failed.
    package var offlinePaths: [String] { state.withLock { $0.filter { $0.offlineReason != nil }.map(\.found.path) } }

    /// The ids of those that failed, for the heartbeat.
    package var offlineIDs: [DirectoryID] {
        state.withLock { $0.filter { $0.offlineReason != nil }.map(\.found.id) }
    }

    /// All that are configured: those that were there at start, in their order, then those that were not.
    package var all: [Listed] {
        let known = state.withLock { $0.map { Listed(path: $0.found.path, offlineReason: $0.offlineReason) } }
        return known + failedAtStart.map { Listed(path: $0.path, offlineReason: $0.reason) }
    }

    /// The id of the directory at `path`.
    func id(of path: String) -> DirectoryID? {
        state.withLock { $0.first { $0.found.path == path }?.found.id }
    }

    /// Takes a directory out of service; false when it is out already.
    func takeOffline(_ path: String, reason: String) -> Bool {
        state.withLock { directories in
            guard let index = directories.firstIndex(where: { $0.found.path == path }),
                directories[index].offlineReason == nil
            else { return false }
            directories[index].offlineReason = reason
            return true
        }
    }

    /// What is known of a replica that needs a place.
    struct Wanted {
        let topic: String
        let id: TopicID
        let index: PartitionIndex
        /// What the metadata says.
        var assigned: DirectoryID?
        /// Whether the cluster has never had records of the partition here, so that none can be in a directory that
        /// failed.
        var isNew = true
        /// Whether the others count on what it holds: it leads, or is in the ISR or the ELR.
        var isInvolved = false
        /// Where a move has asked for it before it was here.
        var preferred: String?
    }

    /// What becomes of a replica that needs a place.
    enum Claim {
        case place(Place)
        /// Only the newest metadata can tell.
        case waits
        case offline(reason: String)
    }

    /// Claims the directory of a replica: the one it was found in, the one the controller names, or the working one
    /// with the fewest replicas.
    ///
    /// No replica is made anew that lies, or may lie, in a directory that failed: an empty one in its place would count
    /// as the replica that the others know.
    /// - Parameter isSettled: whether the metadata is as new as what was committed when the node started.
    func claim(_ wanted: Wanted, isSettled: Bool) -> Claim {
        let name = PartitionDirectoryName(topic: wanted.topic, partition: wanted.index)
        return state.withLock { directories in
            let working = directories.indices.filter { directories[$0].offlineReason == nil }
            let isSomeOffline = !failedAtStart.isEmpty || working.count < directories.count
            let holders = working.filter { position in
                directories[position].unclaimed[name].map { $0.topicID == wanted.id || $0.doubt != nil } ?? false
            }
            if working.isEmpty { return .offline(reason: "no log directory works") }
            if !isSettled, isSomeOffline || holders.count != 1 { return .waits }
            let assignedHere = working.first { directories[$0].found.id == wanted.assigned }
            let isSure = assignedHere != nil || wanted.assigned.map(\.isReservedDirectory) ?? true
            if let holder = holders.first(where: { $0 == assignedHere }) ?? holders.first {
                if isSomeOffline, !isSure {
                    return .offline(reason: "the metadata names a directory that does not work; what is here is older")
                }
                return .place(DataDirectories.take(wanted, name, from: holder, working, &directories))
            }
            if isSomeOffline, !wanted.isNew, assignedHere == nil {
                return .offline(reason: "it lies, or may lie, in a log directory that does not work")
            }
            let copy = working.flatMap { directories[$0].copies }.first { $0.isCopy(of: name, wanted.id) }
            if copy != nil, isSomeOffline {
                return .offline(reason: "it was moving out of a log directory that does not work")
            }
            return .place(
                DataDirectories.make(
                    wanted, name, assignedHere, missing: missing(wanted, copy, directories), &directories))
        }
    }

    /// Takes the replica where it was found.
    private static func take(
        _ wanted: Wanted, _ name: PartitionDirectoryName, from holder: Int, _ working: [Int],
        _ directories: inout [Directory]
    ) -> Place {
        let found = directories[holder].unclaimed.removeValue(forKey: name)
        directories[holder].replicas += 1
        var place = DataDirectories.place(directories[holder].found, wanted.topic, wanted.index)
        place.doubt = found?.doubt
        for position in working where position != holder {
            guard let index = directories[position].copies.firstIndex(where: { $0.isCopy(of: name, wanted.id) }) else {
                continue
            }
            place.copy = (directories[position].found.path, directories[position].copies.remove(at: index).name)
            break
        }
        return place
    }

    /// Finds a place for a replica that is not there.
    private static func make(
        _ wanted: Wanted, _ name: PartitionDirectoryName, _ assigned: Int?, missing: String?,
        _ directories: inout [Directory]
    ) -> Place {
        let working = directories.indices.filter { directories[$0].offlineReason == nil }
        // Where a replica of this name is about to move to, which is being removed, no other is made.
        let free = working.filter { !directories[$0].reserved.contains(name) }
        let named = free.first { directories[$0].found.path == wanted.preferred } ?? free.first { $0 == assigned }
        let emptiest = (free.isEmpty ? working : free).min { directories[$0].replicas < directories[$1].replicas }
        guard let position = named ?? emptiest else { preconditionFailure("no log directory works") }
        directories[position].replicas += 1
        let stranger = directories[position].unclaimed.removeValue(forKey: name)?.name
        return Place(
            directory: directories[position].found.path, start: .clean, highWatermark: .zero, stranger: stranger,
            missing: missing)
    }

    /// Why the replica must have records that are not here; nil where nothing says so.
    private func missing(
        _ wanted: Wanted, _ copy: LogDirectory.Found?, _ directories: [Directory]
    ) -> String? {
        guard wanted.isInvolved, checkpointsCount.load(ordering: .relaxed) else { return nil }
        if let copy { return "\(copy.path) is a copy that was being made of it, but the log itself is nowhere" }
        for directory in directories.map(\.found) {
            let kinds: [(OffsetCheckpoint.Kind, OffsetCheckpoint?)] = [
                (.recoveryPoint, directory.recoveryPoints), (.highWatermark, directory.highWatermarks),
            ]
            for (kind, checkpoint) in kinds {
                guard let offset = checkpoint?.offset(wanted.topic, wanted.index), offset > .zero else { continue }
                return "\(directory.path)/\(kind.rawValue) knows its records up to offset \(offset)"
            }
        }
        return nil
    }

    /// Every replica of the start has its place.
    func forgetCheckpoints() { checkpointsCount.store(false, ordering: .relaxed) }

    /// Whether a directory is one of the node's and works.
    func isOnline(_ path: String) -> Bool {
        state.withLock { $0.contains { $0.found.path == path && $0.offlineReason == nil } }
    }

    /// A replica moves to a directory: nothing else is made there under its name.
    func reserve(_ name: PartitionDirectoryName, in path: String) {
        change(path) { if $0.reserved.insert(name).inserted { $0.replicas += 1 } }
    }

    /// It does not move there any more.
    func unreserve(_ name: PartitionDirectoryName, in path: String) {
        change(path) { if $0.reserved.remove(name) != nil { $0.replicas -= 1 } }
    }

    /// It has moved.
    func moved(_ name: PartitionDirectoryName, from former: String, to path: String) {
        change(path) { _ = $0.reserved.remove(name) }
        change(former) { $0.replicas -= 1 }
    }

    private func change(_ path: String, _ body: (inout Directory) -> Void) {
        state.withLock { directories in
            guard let index = directories.firstIndex(where: { $0.found.path == path }) else { return }
            body(&directories[index])
        }
    }

    private static func place(_ found: Found, _ topic: String, _ index: PartitionIndex) -> Place {
        let highWatermark = found.highWatermarks?.offset(topic, index) ?? .zero
        let start = RecoveryStart(
            wasCleanShutdown: found.wasCleanShutdown,
            recoveryPoint: found.recoveryPoints?.offset(topic, index) ?? .zero,
            logStartOffset: found.logStarts?.offset(topic, index) ?? .zero,
            cleanedEndOffset: found.cleanedEnds?.offset(topic, index) ?? .zero, highWatermark: highWatermark)
        return Place(directory: found.path, start: start, highWatermark: highWatermark, stranger: nil)
    }

    /// A replica left a directory.
    func release(_ path: String) { change(path) { $0.replicas -= 1 } }

    /// What the start found of replicas that had been given up for removal.
    var leftovers: [(directory: String, path: String)] {
        state.withLock { directories in
            directories.filter { $0.offlineReason == nil }.flatMap { directory in
                directory.found.partitions.filter { $0.name.kind == .deleted }.map { (directory.found.path, $0.path) }
            }
        }
    }

    /// What no metadata has claimed, to be set aside (never deleted on sight).
    func takeUnclaimed() -> [(directory: String, name: PartitionDirectoryName)] {
        state.withLock { directories in
            var left: [(directory: String, name: PartitionDirectoryName)] = []
            let isSomeOffline = !failedAtStart.isEmpty || directories.contains { $0.offlineReason != nil }
            for position in directories.indices {
                let names = directories[position].unclaimed.keys.sorted { $0.description < $1.description }
                left += names.map { (directories[position].found.path, $0) }
                directories[position].unclaimed = [:]
                // What a copy was made of may lie in a directory that failed.
                guard !isSomeOffline else { continue }
                left += directories[position].copies.map { (directories[position].found.path, $0.name) }
                directories[position].copies = []
            }
            return left
        }
    }
}

extension LogDirectory.Found {
    /// Whether it is a copy of the log of that name that was being made.
    fileprivate func isCopy(of name: PartitionDirectoryName, _ topic: TopicID) -> Bool {
        self.name.topic == name.topic && self.name.partition == name.partition && topicID == topic
    }
}

extension OffsetCheckpoint.Kind {
    /// What serves in place of a damaged file, in words for an operator.
    fileprivate var substitute: String {
        switch self {
        case .recoveryPoint: "after a crash every log is read whole; it is written anew within a minute"
        case .highWatermark: "it is found anew with the other replicas"
        case .logStart:
            "logs begin with their first segment: records that were deleted from its start can be read again"
        case .cleaner: "compaction begins with the first segment of each log"
        }
    }
}

extension DirectoryFileError {
    fileprivate func asFileError(reading path: String) -> FileError {
        switch self {
        case .file(let error): error
        case .malformed: FileError(kind: .other, operation: "read", path: path)
        }
    }
}
