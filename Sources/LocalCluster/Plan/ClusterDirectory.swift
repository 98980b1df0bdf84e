import Primitives
package import World

/// The directory of a cluster: its plan, and for each node a folder with configuration, data, log and process file.
package struct ClusterDirectory: Sendable {
    package let path: String
    private let files: any FileStore

    package init(path: String, files: any FileStore) {
        self.path = path
        self.files = files
    }

    private var planPath: String { path + "/cluster.properties" }

    /// The folder of one node.
    package func nodeFolder(_ node: Int) -> String { "\(path)/node-\(node)" }

    /// The `server.properties` of one node.
    package func configurationPath(_ node: Int) -> String { nodeFolder(node) + "/server.properties" }

    /// Where one node keeps its logs.
    package func dataDirectory(_ node: Int) -> String { nodeFolder(node) + "/data" }

    /// What one node writes to standard output and error.
    package func logPath(_ node: Int) -> String { nodeFolder(node) + "/server.log" }

    private func processPath(_ node: Int) -> String { nodeFolder(node) + "/process" }

    /// Whether a plan was written here.
    package var holdsCluster: Bool { files.exists(planPath) }

    /// The plan that was written by `write`.
    package func plan() throws(ClusterError) -> ClusterPlan {
        guard holdsCluster else { throw .noCluster(directory: path) }
        return try ClusterPlan(parsing: try text(planPath), path: planPath)
    }

    /// Makes the directory with its plan, or writes the plan anew.
    package func write(_ plan: ClusterPlan) throws(ClusterError) {
        try guarded { () throws(FileError) in
            try files.createDirectory(path)
            try files.replace(planPath, with: Array(plan.text.utf8))
        }
    }

    /// Writes a node's configuration and makes its folders.
    package func writeConfiguration(of node: Int, _ plan: ClusterPlan) throws(ClusterError) {
        let text = plan.serverProperties(of: node, dataDirectory: dataDirectory(node))
        try guarded { () throws(FileError) in
            try files.createDirectory(dataDirectory(node))
            try files.replace(configurationPath(node), with: Array(text.utf8))
        }
    }

    /// Remembers which process a node is.
    package func write(_ process: ProcessIdentity, of node: Int) throws(ClusterError) {
        try guarded { () throws(FileError) in
            try files.replace(processPath(node), with: Array((process.text + "\n").utf8))
        }
    }

    /// The process that a node was started as last; nil if it never was, or was stopped in order.
    package func process(of node: Int) throws(ClusterError) -> ProcessIdentity? {
        guard files.exists(processPath(node)) else { return nil }
        return ProcessIdentity(parsing: try text(processPath(node)))
    }

    /// Forgets the process of a node that was stopped in order.
    package func removeProcess(of node: Int) throws(ClusterError) {
        guard files.exists(processPath(node)) else { return }
        try guarded { () throws(FileError) in try files.remove(processPath(node)) }
    }

    /// The last `count` lines of a node's log.
    package func logTail(_ node: Int, lines count: Int) -> String {
        guard let text = try? text(logPath(node)) else { return "" }
        return text.split(separator: "\n", omittingEmptySubsequences: false).drop { $0.isEmpty }
            .suffix(count + 1).joined(separator: "\n")
    }

    /// Removes the directory and all in it, if it is one of a cluster.
    package func remove() throws(ClusterError) {
        guard holdsCluster else { throw .noCluster(directory: path) }
        try guarded { () throws(FileError) in try files.removeTree(path) }
    }

    private func text(_ path: String) throws(ClusterError) -> String {
        try guarded { () throws(FileError) in String(decoding: try files.readAll(path), as: UTF8.self) }
    }

    private func guarded<Value>(_ work: () throws(FileError) -> Value) throws(ClusterError) -> Value {
        do { return try work() } catch { throw .file(error) }
    }
}
