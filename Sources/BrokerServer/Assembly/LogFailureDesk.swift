import Primitives
import Synchronization

/// Where failed writes are reported: the directory goes offline and the controller hears of it; the last directory gone
/// ends the node.
final class LogFailureDesk: Sendable {
    private let lifecycle: BrokerLifecycle
    private let fatal: @Sendable (NodeFailure) -> Void
    private let partitions = Mutex<PartitionTable?>(nil)

    init(lifecycle: BrokerLifecycle, fatal: @escaping @Sendable (NodeFailure) -> Void) {
        self.lifecycle = lifecycle
        self.fatal = fatal
    }

    /// Sets the table whose replicas go offline with their directory.
    func serve(_ table: PartitionTable) { partitions.withLock { $0 = table } }

    func report(_ failure: LogFailure) {
        guard let table = partitions.withLock({ $0 }),
            let directory = table.directories.online.filter({ failure.lies(in: $0.path) })
                .max(by: { $0.path.utf8.count < $1.path.utf8.count })
        else { return }
        table.directoryFailed(directory.path, reason: failure.reason)
        lifecycle.directoryFailed(directory.id)
        if table.directories.online.isEmpty {
            fatal(NodeFailure("the last log directory failed, \(directory.path): \(failure.reason)"))
        }
    }
}

extension LogFailure {
    /// Whether it happened in the directory at `path` or below it: `/data2` is not below `/data`.
    package func lies(in path: String) -> Bool { directory == path || directory.hasPrefix(path + "/") }
}
