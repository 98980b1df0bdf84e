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
        /// From `partition.metadata`; nil where that file is missing or can't be read.
        package let topicID: TopicID?
        /// Why it is not known whose records these are, though there are records; nil where it is known.
        package let doubt: String?
    }

    /// The name of the metadata log's directory, which is no partition of a topic.
    package static let metadataLogName = "__cluster_metadata-0"

    /// The partitions in the directory, by name; other files and directories are left alone. Blocks.
    package func partitions() throws(FileError) -> [Found] {
        var found: [Found] = []
        for entry in try files.list(path) where entry.isDirectory && entry.name != LogDirectory.metadataLogName {
            guard let name = PartitionDirectoryName(entry.name) else { continue }
            found.append(try look(into: path + "/" + entry.name, name))
        }
        return found
    }

    private func look(into directory: String, _ name: PartitionDirectoryName) throws(FileError) -> Found {
        var topicID: TopicID?
        var doubt: String?
        do throws(DirectoryFileError) {
            topicID = try PartitionMetadataFile.read(in: directory, files)
            if topicID == nil, try holdsRecords(directory) {
                doubt = "\(directory)/\(PartitionMetadataFile.fileName) is missing"
            }
        } catch {
            if case .file(let file) = error, file.kind == .inputOutput { throw file }
            doubt = "\(error)"
        }
        return Found(name: name, path: directory, topicID: topicID, doubt: doubt)
    }

    private func holdsRecords(_ directory: String) throws(DirectoryFileError) -> Bool {
        do throws(FileError) {
            for entry in try files.list(directory) where SegmentFileName.parse(entry.name, .log) != nil {
                let file = try files.open(directory + "/" + entry.name, .read)
                defer { file.close() }
                if try file.size() > 0 { return true }
            }
            return false
        } catch { throw .file(error) }
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
