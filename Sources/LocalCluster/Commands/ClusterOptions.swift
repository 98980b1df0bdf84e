import ArgumentParser
import Glibc
import LiveWorld
import World

/// Which cluster a command is about.
struct ClusterOptions: ParsableArguments {
    @Option(name: .customLong("dir"), help: "The directory of the cluster.")
    var directory = "./martlet-cluster"

    /// The directory, its path made absolute: nodes keep it over their whole life.
    func clusterDirectory() -> ClusterDirectory {
        var path = directory
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if path.hasPrefix("./") { path.removeFirst(2) }
        return ClusterDirectory(
            path: path.hasPrefix("/") ? path : ClusterOptions.workingDirectory() + "/" + path, files: PosixFileStore())
    }

    /// The processes of the cluster that stands in the directory.
    func processes() throws(ClusterError) -> NodeProcesses {
        let directory = clusterDirectory()
        return NodeProcesses(directory: directory, plan: try directory.plan(), clock: SystemClock())
    }

    private static func workingDirectory() -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let found = unsafe buffer.withUnsafeMutableBufferPointer { unsafe getcwd($0.baseAddress, $0.count) }
        guard unsafe found != nil else { return "." }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A command about one node.
struct NodeOptions: ParsableArguments {
    @Argument(help: "The number of the node, from 1.")
    var node: Int

    @OptionGroup var cluster: ClusterOptions
}
