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
            let directory = table.directories.online.first(where: { failure.directory.hasPrefix($0.path) })
        else { return }
        table.directoryFailed(directory.path, reason: failure.reason)
        lifecycle.directoryFailed(directory.id)
        if table.directories.online.isEmpty {
            fatal(NodeFailure("the last log directory failed, \(directory.path): \(failure.reason)"))
        }
    }
}
