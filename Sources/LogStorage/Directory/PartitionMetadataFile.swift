package import Primitives
package import World

/// `partition.metadata`: the id of the topic whose records a directory holds.
package enum PartitionMetadataFile {
    package static let fileName = "partition.metadata"

    /// The topic's id; nil when there is no such file.
    package static func read(
        in directory: String, _ files: any FileStore
    ) throws(DirectoryFileError) -> TopicID? {
        let path = directory + "/" + fileName
        guard files.exists(path) else { return nil }
        let content: [UInt8]
        do throws(FileError) { content = try files.readAll(path) } catch { throw .file(error) }
        let lines = String(decoding: content, as: UTF8.self).split(separator: "\n")
        guard lines.count == 2, lines[0] == "version: 0", lines[1].hasPrefix("topic_id: "),
            let id = TopicID(lines[1].dropFirst("topic_id: ".count)), id != .zero
        else { throw .malformed(path: path, reason: "expected version 0 and a topic id") }
        return id
    }

    /// Writes the file durably; blocks.
    package static func write(_ id: TopicID, in directory: String, _ files: any FileStore) throws(FileError) {
        try files.replace(directory + "/" + fileName, with: Array("version: 0\ntopic_id: \(id)".utf8))
    }
}
