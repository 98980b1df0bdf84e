package import World

/// Why a cluster command can't do what it is asked; the text is what the user reads.
package enum ClusterError: Error, Hashable, Sendable, CustomStringConvertible {
    case badPlan(String)
    case noCluster(directory: String)
    case otherCluster(directory: String, difference: String)
    case noSuchNode(Int, nodeCount: Int)
    case notRunning(Int)
    case alreadyRunning(Int, processID: Int32)
    case cannotStart(String)
    case nodeEnded(Int, logTail: String)
    case notReady(seconds: Int, reason: String)
    case stillAlive(Int, processID: Int32)
    case file(FileError)

    package var description: String {
        switch self {
        case .badPlan(let text): text
        case .noCluster(let directory):
            "no cluster in \(directory): start one with `martlet cluster up`, or name its directory with --dir"
        case .otherCluster(let directory, let difference):
            "\(directory) holds another cluster (\(difference)): use its own numbers, another --dir, or "
                + "`martlet cluster destroy` first"
        case .noSuchNode(let node, let count): "there is no node \(node); the nodes are 1 to \(count)"
        case .notRunning(let node): "node \(node) is not running"
        case .alreadyRunning(let node, let processID): "node \(node) is running already (pid \(processID))"
        case .cannotStart(let text): text
        case .nodeEnded(let node, let logTail): "node \(node) ended while it started. Its last words:\n\(logTail)"
        case .notReady(let seconds, let reason):
            "the cluster does not take writes after \(seconds) s: \(reason). The nodes are left running; see "
                + "`martlet cluster status` and `martlet cluster logs N`"
        case .stillAlive(let node, let processID): "node \(node) (pid \(processID)) does not end"
        case .file(let error): error.description
        }
    }
}
