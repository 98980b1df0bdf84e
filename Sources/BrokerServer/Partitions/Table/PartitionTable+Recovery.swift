package import Controller
import LogStorage
package import Metadata
import Primitives
import Replication
import Synchronization

extension PartitionTable {
    /// Whether some log is still being opened or recovered.
    package var isOpening: Bool {
        all.contains { partition in
            partition.state.withLock { $0.isOpening }
        }
    }

    /// What the log of a partition holds after its recovery; nil while that is not over, or where it failed.
    package func recoveryReport(on id: TopicPartitionID) -> Controller.RecoveryReport? {
        guard let partition = partition(id.topic, id.index),
            let directory = directories.online.first(where: { $0.path == partition.logDirectory })
        else { return nil }
        return partition.state.withLock { state in
            guard let log = state.log else { return nil }
            return Controller.RecoveryReport(
                partition: id, leaderEpoch: state.assignment.leaderEpoch, directory: directory.id,
                lastEpoch: log.latestEpoch, logEnd: log.logEndOffset)
        }
    }
}
