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

    /// What `writeConfiguration` wrote last.
    private func writtenPath(_ node: Int) -> String { nodeFolder(node) + "/.server.properties.written" }

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

    /// What became of a node's configuration before a start.
    package enum Configuring: Hashable, Sendable {
        /// The file says what the plan says.
        case written
        /// Somebody has edited the file since it was written, so it stays as it is and the plan does not act on it.
        case keptAsEdited
    }

    /// Makes a node's folders and writes its configuration, unless somebody has edited it.
    ///
    /// A copy of what was written last tells an edited file from one that an earlier plan made. Where there is none,
    /// the file counts as edited unless it is what the plan says.
    package func writeConfiguration(of node: Int, _ plan: ClusterPlan) throws(ClusterError) -> Configuring {
        let planned = plan.serverProperties(of: node, dataDirectory: dataDirectory(node))
        let file = configurationPath(node)
        if files.exists(file) {
            let present = try text(file)
            let last = files.exists(writtenPath(node)) ? try text(writtenPath(node)) : planned
            guard present == last || present == planned else { return .keptAsEdited }
        }
        try guarded { () throws(FileError) in
            try files.createDirectory(dataDirectory(node))
            // The file first: should this end in between, a file that says what the plan says is still ours.
            try files.replace(file, with: Array(planned.utf8))
            try files.replace(writtenPath(node), with: Array(planned.utf8))
        }
        return .written
    }

    /// What a person is told about a configuration that was kept as edited.
    package func remarkOnEdited(_ node: Int) -> String {
        "\(configurationPath(node)) was edited and is used as it is; remove it to have it written anew."
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
