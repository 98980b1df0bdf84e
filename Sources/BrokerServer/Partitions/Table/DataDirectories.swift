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
        /// Why the replica can't be used before an operator has looked at it.
        var doubt: String?
    }

    private struct Directory {
        let found: Found
        /// Not claimed by metadata yet.
        var unclaimed: [PartitionDirectoryName: LogDirectory.Found]
        var replicas = 0
        var offlineReason: String?
    }

    private let state: Mutex<[Directory]>
    private let failedAtStart: [Failed]

    /// - Parameter failed: those of the configuration that can't be used; nobody knows what is in them.
    package init(_ found: [Found], failed: [Failed] = []) {
        failedAtStart = failed
        state = Mutex(
            found.map { directory in
                let current = directory.partitions.filter { $0.name.kind == .current }
                return Directory(
                    found: directory, unclaimed: Dictionary(uniqueKeysWithValues: current.map { ($0.name, $0) }))
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

    /// Claims the directory of a replica: the one it was found in, the one the controller names, or the working one
    /// with the fewest replicas.
    ///
    /// - Parameter isNew: whether the cluster has never had records of the partition here, so that none can be in a
    ///   directory that failed.
    /// - Returns: nil when none works, and for a replica that lies, or may lie, in one that failed: an empty one
    ///   in its place would count as the replica that the others know.
    func claim(
        topic: String, id: TopicID, index: PartitionIndex, assigned: DirectoryID?, isNew: Bool
    ) -> Place? {
        let name = PartitionDirectoryName(topic: topic, partition: index)
        return state.withLock { directories in
            for position in directories.indices where directories[position].offlineReason == nil {
                guard let found = directories[position].unclaimed[name], found.topicID == id || found.doubt != nil
                else { continue }
                directories[position].unclaimed[name] = nil
                directories[position].replicas += 1
                var place = DataDirectories.place(directories[position].found, topic, index)
                place.doubt = found.doubt
                return place
            }
            let isSomeOffline = !failedAtStart.isEmpty || directories.contains { $0.offlineReason != nil }
            let isAssignedHere = directories.contains { $0.found.id == assigned && $0.offlineReason == nil }
            if isSomeOffline, !isNew, !isAssignedHere { return nil }
            let working = directories.indices.filter { directories[$0].offlineReason == nil }
            let named = working.first { directories[$0].found.id == assigned }
            let emptiest = working.min { directories[$0].replicas < directories[$1].replicas }
            guard let position = named ?? emptiest else { return nil }
            directories[position].replicas += 1
            let stranger = directories[position].unclaimed.removeValue(forKey: name)?.name
            return Place(
                directory: directories[position].found.path, start: .clean, highWatermark: .zero, stranger: stranger)
        }
    }

    private static func place(_ found: Found, _ topic: String, _ index: PartitionIndex) -> Place {
        let start = RecoveryStart(
            wasCleanShutdown: found.wasCleanShutdown,
            recoveryPoint: found.recoveryPoints?.offset(topic, index) ?? .zero,
            logStartOffset: found.logStarts?.offset(topic, index) ?? .zero,
            cleanedEndOffset: found.cleanedEnds?.offset(topic, index) ?? .zero)
        return Place(
            directory: found.path, start: start, highWatermark: found.highWatermarks?.offset(topic, index) ?? .zero,
            stranger: nil)
    }

    /// A replica left a directory.
    func release(_ path: String) {
        state.withLock { directories in
            guard let index = directories.firstIndex(where: { $0.found.path == path }) else { return }
            directories[index].replicas -= 1
        }
    }

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
            for position in directories.indices {
                let names = directories[position].unclaimed.keys.sorted { $0.description < $1.description }
                left += names.map { (directories[position].found.path, $0) }
                directories[position].unclaimed = [:]
            }
            return left
        }
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
