import Logging
import LogStorage
package import Primitives
import World

/// The directories of this node, locked, formatted and of one cluster.
package struct FormattedDirectories: Sendable {
    /// One directory of the node.
    package struct Entry: Sendable {
        package let path: String
        package let id: DirectoryID
        let lock: any DirectoryLock
    }

    package let clusterID: String
    package let entries: [Entry]

    /// The id of the directory at `path`; it is one of the entries.
    package func id(of path: String) -> DirectoryID? { entries.first { $0.path == path }?.id }

    /// Gives the locks back.
    package func release() { for entry in entries { entry.lock.release() } }

    /// Makes missing directories, locks all, formats in place what is unformatted; blocks.
    ///
    /// - Errors: a directory in use by another process, of another cluster or node, unreadable, or unformatted while
    ///   the cluster's id is not known.
    static func prepare(
        _ configuration: NodeConfiguration, _ world: World, _ log: Logger
    ) throws(NodeFailure) -> FormattedDirectories {
        var paths = configuration.logDirectories
        if !paths.contains(configuration.metadataLogDirectory) { paths.append(configuration.metadataLogDirectory) }
        var locks: [any DirectoryLock] = []
        do throws(NodeFailure) {
            for path in paths { locks.append(try lock(path, world.files)) }
            let found = try paths.map { (path) throws(NodeFailure) in try read(path, configuration, world.files) }
            let clusterID = try clusterID(found, configuration, world)
            var entries: [Entry] = []
            for (index, path) in paths.enumerated() {
                let id = try format(path, found[index], clusterID, configuration, world, log)
                entries.append(Entry(path: path, id: id, lock: locks[index]))
            }
            return FormattedDirectories(clusterID: clusterID, entries: entries)
        } catch {
            for lock in locks { lock.release() }
            throw error
        }
    }

    private static func lock(_ path: String, _ files: any FileStore) throws(NodeFailure) -> any DirectoryLock {
        do throws(FileError) {
            try files.createDirectory(path)
            return try files.lock(path)
        } catch {
            switch error.kind {
            case .lockedByAnother:
                throw NodeFailure(
                    "the directory \(path) is in use by another process; each node needs directories of its own")
            case .permission:
                throw NodeFailure("no permission for the directory \(path); give it to the user that runs the node")
            default: throw NodeFailure("can't use the directory \(path): \(error)")
            }
        }
    }

    private static func read(
        _ path: String, _ configuration: NodeConfiguration, _ files: any FileStore
    ) throws(NodeFailure) -> MetaProperties? {
        let found: MetaProperties?
        do throws(DirectoryFileError) { found = try MetaProperties.read(in: path, files) } catch {
            throw NodeFailure("can't read whose directory \(path) is: \(error)")
        }
        if let found, found.nodeID != configuration.nodeID {
            throw NodeFailure(
                "the directory \(path) belongs to node.id=\(found.nodeID), but this node is "
                    + "node.id=\(configuration.nodeID); name other log.dirs or the right node.id")
        }
        if let found, let wanted = configuration.clusterID, found.clusterID != wanted {
            throw NodeFailure(
                "the directory \(path) belongs to the cluster \(found.clusterID), but cluster.id=\(wanted) is "
                    + "configured; name other log.dirs or the right cluster")
        }
        return found
    }

    private static func clusterID(
        _ found: [MetaProperties?], _ configuration: NodeConfiguration, _ world: World
    ) throws(NodeFailure) -> String {
        let ids = Set(found.compactMap { $0?.clusterID }).sorted()
        if ids.count > 1 {
            throw NodeFailure("log.dirs belong to different clusters: \(ids.joined(separator: " and "))")
        }
        if let id = ids.first ?? configuration.clusterID { return id }
        // A quorum of one can found its cluster: there is nobody to disagree with.
        if configuration.voters.map(\.id) == [configuration.nodeID] {
            var generator = WorldGenerator(randomness: world.randomness)
            return UUID128.random(using: &generator).description
        }
        throw NodeFailure(
            "\(configuration.logDirectories[0]) is not formatted and the cluster's id is not known; set CLUSTER_ID (or "
                + "cluster.id) to the same value on every node (`martlet storage random-uuid` makes one)")
    }

    private static func format(
        _ path: String, _ found: MetaProperties?, _ clusterID: String, _ configuration: NodeConfiguration,
        _ world: World, _ log: Logger
    ) throws(NodeFailure) -> DirectoryID {
        if let id = found?.directoryID { return id }
        var generator = WorldGenerator(randomness: world.randomness)
        let id = DirectoryID.random(using: &generator)
        let properties = MetaProperties(clusterID: clusterID, nodeID: configuration.nodeID, directoryID: id)
        do throws(FileError) { try properties.write(in: path, world.files) } catch {
            throw NodeFailure("can't format the directory \(path): \(error)")
        }
        log.info("formatted", metadata: ["directory": "\(path)", "cluster": "\(clusterID)", "id": "\(id)"])
        return id
    }
}

/// The world's random numbers as a generator.
struct WorldGenerator: RandomNumberGenerator {
    let randomness: any Randomness
    mutating func next() -> UInt64 { randomness.next() }
}
