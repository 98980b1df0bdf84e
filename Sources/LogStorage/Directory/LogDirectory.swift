package import Primitives
package import World

/// One of the `log.dirs` of a node: which partitions stand in it, and how they are set aside and removed.
package struct LogDirectory: Sendable {
    package let path: String
    private let files: any FileStore

    package init(path: String, files: any FileStore) {
        self.path = path
        self.files = files
    }

    /// A directory of a partition.
    package struct Found: Hashable, Sendable {
        package let name: PartitionDirectoryName
        package let path: String
        /// From `partition.metadata`; nil where that file is missing or damaged.
        package let topicID: TopicID?
    }

    /// The name of the metadata log's directory, which is no partition of a topic.
    package static let metadataLogName = "__cluster_metadata-0"

    /// The partitions in the directory, by name; other files and directories are left alone. Blocks.
    package func partitions() throws(FileError) -> [Found] {
        var found: [Found] = []
        for entry in try files.list(path) where entry.isDirectory && entry.name != LogDirectory.metadataLogName {
            guard let name = PartitionDirectoryName(entry.name) else { continue }
            let directory = path + "/" + entry.name
            let topicID: TopicID?
            do throws(DirectoryFileError) { topicID = try PartitionMetadataFile.read(in: directory, files) } catch {
                switch error {
                case .file(let file): throw file
                case .malformed: topicID = nil
                }
            }
            found.append(Found(name: name, path: directory, topicID: topicID))
        }
        return found
    }

    /// The directory of a partition in use.
    package func path(topic: String, partition: PartitionIndex) -> String {
        "\(path)/\(PartitionDirectoryName(topic: topic, partition: partition))"
    }

    /// Renames a partition's directory so that it is in nobody's way: `stray` when the metadata does not mention it,
    /// `deleted` when its topic is deleted. Blocks.
    ///
    /// - Returns: the new path; one that is `deleted` may be removed with `remove`.
    package func setAside(
        _ name: PartitionDirectoryName, as kind: PartitionDirectoryName.Kind, id: UUID128
    ) throws(FileError) -> String {
        let target = "\(path)/\(name.asided(kind, id: id))"
        try files.rename("\(path)/\(name)", to: target)
        try files.synchronizeDirectory(path)
        return target
    }

    /// Removes a directory that was set aside as deleted, with all in it; blocks.
    package func remove(_ asided: String) throws(FileError) {
        precondition(
            asided.hasSuffix("-" + PartitionDirectoryName.Kind.deleted.rawValue), "removing what may be in use")
        if files.exists(asided) { try files.removeTree(asided) }
    }
}
