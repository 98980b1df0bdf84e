package import Primitives
package import World

/// `meta.properties`: whose log directory this is. Version 1.
package struct MetaProperties: Hashable, Sendable {
    package static let fileName = "meta.properties"

    package var clusterID: String
    package var nodeID: BrokerID
    /// Nil in a directory that Kafka made before 3.7.
    package var directoryID: DirectoryID?

    package init(clusterID: String, nodeID: BrokerID, directoryID: DirectoryID?) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.directoryID = directoryID
    }

    package var encoded: [UInt8] {
        var lines = ["#", "version=1", "cluster.id=\(clusterID)", "node.id=\(nodeID)"]
        if let directoryID { lines.append("directory.id=\(directoryID)") }
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    /// The directory's file; nil when it is not there, that is, when the directory is not formatted.
    package static func read(
        in directory: String, _ files: any FileStore
    ) throws(DirectoryFileError) -> MetaProperties? {
        let path = directory + "/" + fileName
        guard files.exists(path) else { return nil }
        let content: [UInt8]
        do throws(FileError) { content = try files.readAll(path) } catch { throw .file(error) }
        return try MetaProperties(content, path: path)
    }

    /// Writes the file durably; blocks.
    package func write(in directory: String, _ files: any FileStore) throws(FileError) {
        try files.replace(directory + "/" + MetaProperties.fileName, with: encoded)
    }

    init(_ content: [UInt8], path: String) throws(DirectoryFileError) {
        let values = MetaProperties.values(content)
        guard let version = values["version"] else { throw .malformed(path: path, reason: "version is missing") }
        guard version == "1" else {
            throw .malformed(path: path, reason: "version \(version) is not supported, only 1 (KRaft)")
        }
        guard let cluster = values["cluster.id"], !cluster.isEmpty else {
            throw .malformed(path: path, reason: "cluster.id is missing")
        }
        guard let node = values["node.id"].flatMap({ Int32($0) }), node >= 0 else {
            throw .malformed(path: path, reason: "node.id is missing or no number")
        }
        var directoryID: DirectoryID?
        if let text = values["directory.id"] {
            guard let id = DirectoryID(text) else {
                throw .malformed(path: path, reason: "directory.id \(text) is no id of 22 characters")
            }
            directoryID = id
        }
        self.init(clusterID: cluster, nodeID: BrokerID(node), directoryID: directoryID)
    }

    /// `key=value` lines; the last one of a key counts, as with Java's properties.
    private static func values(_ content: [UInt8]) -> [String: String] {
        var values: [String: String] = [:]
        for line in content.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
            let text = String(decoding: line, as: UTF8.self)
            guard !text.hasPrefix("#"), !text.hasPrefix("!"), let equals = text.firstIndex(of: "=") else { continue }
            let key = text[..<equals].filter { $0 != " " }
            values[key] = String(text[text.index(after: equals)...].drop { $0 == " " })
        }
        return values
    }
}
