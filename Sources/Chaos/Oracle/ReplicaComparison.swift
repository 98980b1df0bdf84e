import LocalCluster
import World

/// Compares what the replicas of the topic have on their disks, byte for byte (C2). Nodes must be stopped.
struct ReplicaComparison {
    /// The second log directory of a node that has two lies beside the first.
    static let secondSuffix = "-2"

    let directory: ClusterDirectory
    let nodes: [Int]
    let topic: LoadTopic
    let files: any FileStore

    /// Bytes compared, and what differs.
    func run() throws(FileError) -> (bytes: Int, differences: [String]) {
        var bytes = 0
        var differences: [String] = []
        for partition in topic.partitions {
            var first: (node: Int, content: [UInt8])?
            // A partition of a cluster with more nodes than replicas stands on some only.
            for node in nodes {
                guard let folder = folder(node, partition) else { continue }
                let content = try content(folder)
                bytes += content.count
                guard let known = first else {
                    first = (node, content)
                    continue
                }
                if known.content == content { continue }
                let place = zip(known.content, content).enumerated().first { $0.element.0 != $0.element.1 }?.offset
                differences.append(
                    "\(topic.key(partition)): node \(known.node) has \(known.content.count) bytes, node \(node) "
                        + "\(content.count)" + (place.map { ", different from byte \($0) on" } ?? ""))
            }
        }
        return (bytes, differences)
    }

    private func folder(_ node: Int, _ partition: Int32) -> String? {
        let first = directory.dataDirectory(node)
        return [first, first + ReplicaComparison.secondSuffix].map { "\($0)/\(topic.key(partition))" }
            .first { files.exists($0) }
    }

    /// All segments, one after the other: replicas may cut them at different places.
    private func content(_ folder: String) throws(FileError) -> [UInt8] {
        var content: [UInt8] = []
        for entry in try files.list(folder) where entry.name.hasSuffix(".log") {
            content += try files.readAll("\(folder)/\(entry.name)")
        }
        return content
    }
}
