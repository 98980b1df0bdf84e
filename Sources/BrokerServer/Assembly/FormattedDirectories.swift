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
    /// Those of `log.dirs` that can't be used.
    package let failed: [DataDirectories.Failed]

    /// The id of the directory at `path`; it is one of the entries.
    package func id(of path: String) -> DirectoryID? { entries.first { $0.path == path }?.id }

    /// Gives the locks back.
    package func release() { for entry in entries { entry.lock.release() } }

    /// Makes missing directories, locks all, formats in place what is unformatted; blocks.
    ///
    /// A directory that can't be read or written is left out, unless it has the metadata log or no other is left for
    /// partitions: one failed disk does not keep the node from serving the others.
    /// - Errors: a directory in use by another process, of another cluster or node, unformatted while the cluster's id
    ///   is not known, or broken and not to be done without.
    static func prepare(
        _ configuration: NodeConfiguration, _ world: World, _ log: Logger
    ) throws(NodeFailure) -> FormattedDirectories {
        var paths = configuration.logDirectories
        if !paths.contains(configuration.metadataLogDirectory) { paths.append(configuration.metadataLogDirectory) }
        var opened: [Opened] = []
        var failed: [DataDirectories.Failed] = []
        do throws(NodeFailure) {
            for path in paths {
                do throws(Trouble) { opened.append(try open(path, configuration, world.files)) } catch {
                    failed.append(try tolerated(error, path, configuration, log))
                }
            }
            let clusterID = try clusterID(opened.map(\.found), configuration, world)
            var entries: [Entry] = []
            for directory in opened {
                do throws(Trouble) {
                    let id = try format(directory.path, directory.found, clusterID, configuration, world, log)
                    entries.append(Entry(path: directory.path, id: id, lock: directory.lock))
                } catch {
                    failed.append(try tolerated(error, directory.path, configuration, log))
                    directory.lock.release()
                }
            }
            if let first = failed.first,
                !configuration.logDirectories.contains(where: { path in
                    entries.contains { $0.path == path }
                })
            {
                throw NodeFailure("no log directory can be used: \(first.reason)")
            }
            return FormattedDirectories(clusterID: clusterID, entries: entries, failed: failed)
        } catch {
            for directory in opened { directory.lock.release() }
            throw error
        }
    }

    /// A directory that is locked, with what it says of itself.
    private struct Opened {
        let path: String
        let lock: any DirectoryLock
        let found: MetaProperties?
    }

    /// What is wrong with a directory.
    private enum Trouble: Error {
        /// It is not this node's, or it is not known whose it is: an operator's mistake.
        case notOurs(NodeFailure)
        /// Its disk does not do what it is asked to.
        case broken(NodeFailure)
    }

    /// A broken directory as one of those that are left out, where the node can do without it.
    private static func tolerated(
        _ trouble: Trouble, _ path: String, _ configuration: NodeConfiguration, _ log: Logger
    ) throws(NodeFailure) -> DataDirectories.Failed {
        switch trouble {
        case .notOurs(let failure): throw failure
        case .broken(let failure):
            guard path != configuration.metadataLogDirectory, configuration.logDirectories.count > 1 else {
                throw failure
            }
            log.error("log directory is offline", metadata: ["directory": "\(path)", "reason": "\(failure)"])
            return DataDirectories.Failed(path: path, reason: "\(failure)")
        }
    }

    private static func open(
        _ path: String, _ configuration: NodeConfiguration, _ files: any FileStore
    ) throws(Trouble) -> Opened {
        let lock = try lock(path, files)
        do throws(Trouble) {
            return Opened(path: path, lock: lock, found: try read(path, configuration, files))
        } catch {
            lock.release()
            throw error
        }
    }

    private static func lock(_ path: String, _ files: any FileStore) throws(Trouble) -> any DirectoryLock {
        do throws(FileError) {
            try files.createDirectory(path)
            return try files.lock(path)
        } catch {
            switch error.kind {
            case .lockedByAnother:
                throw .notOurs(
                    NodeFailure(
                        "the directory \(path) is in use by another process; each node needs directories of its own"))
            case .permission:
                throw .broken(
                    NodeFailure(
                        "no permission for the directory \(path); give it to the user that runs the node"))
            default: throw .broken(NodeFailure("can't use the directory \(path): \(error)"))
            }
        }
    }

    private static func read(
        _ path: String, _ configuration: NodeConfiguration, _ files: any FileStore
    ) throws(Trouble) -> MetaProperties? {
        let found: MetaProperties?
        do throws(DirectoryFileError) { found = try MetaProperties.read(in: path, files) } catch {
            let sentence = "can't read whose directory \(path) is: \(error)"
            switch error {
            case .file: throw .broken(NodeFailure(sentence))
            case .malformed:
                throw .notOurs(
                    NodeFailure(
                        sentence + "; restore the file (version=1, cluster.id, node.id and the directory.id that the "
                            + "cluster knows), or move the directory away: an empty one is filled from the other nodes"
                    ))
            }
        }
        if let found, found.nodeID != configuration.nodeID {
            throw .notOurs(
                NodeFailure(
                    "the directory \(path) belongs to node.id=\(found.nodeID), but this node is "
                        + "node.id=\(configuration.nodeID); name other log.dirs or the right node.id"))
        }
        if let found, let wanted = configuration.clusterID, found.clusterID != wanted {
            throw .notOurs(
                NodeFailure(
                    "the directory \(path) belongs to the cluster \(found.clusterID), but cluster.id=\(wanted) is "
                        + "configured; name other log.dirs or the right cluster"))
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
    ) throws(Trouble) -> DirectoryID {
        if let id = found?.directoryID { return id }
        var generator = WorldGenerator(randomness: world.randomness)
        let id = DirectoryID.random(using: &generator)
        let properties = MetaProperties(clusterID: clusterID, nodeID: configuration.nodeID, directoryID: id)
        do throws(FileError) { try properties.write(in: path, world.files) } catch {
            throw .broken(NodeFailure("can't format the directory \(path): \(error)"))
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
