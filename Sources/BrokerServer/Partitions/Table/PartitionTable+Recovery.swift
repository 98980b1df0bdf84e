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
        guard let partition = partition(id.topic, id.index), let directory = reportedDirectory(of: partition) else {
            return nil
        }
        return partition.state.withLock { state in
            guard let log = state.log else { return nil }
            // An epoch in which nothing was written yet is none of a record.
            let lastEpoch = log.epoch(at: Offset(log.logEndOffset.value - 1)) ?? log.latestEpoch
            let starts = log.epochs.entries.suffix(Controller.RecoveryReport.epochsMax).map {
                Controller.RecoveryReport.EpochStart(epoch: $0.epoch, startOffset: $0.startOffset)
            }
            return Controller.RecoveryReport(
                partition: id, leaderEpoch: state.assignment.leaderEpoch, directory: directory, lastEpoch: lastEpoch,
                logEnd: log.logEndOffset, epochStarts: starts)
        }
    }

    /// The id under which the metadata knows a replica that lies in a directory in service: its own directory's, or
    /// that of the directory to which it is about to move.
    private func reportedDirectory(of partition: Partition) -> DirectoryID? {
        let own = partition.logDirectory
        guard directories.isOnline(own) else { return nil }
        let known = cache.current.topics[partition.id]?.directory(of: services.me)
        let copy = moves.move(of: partition)?.figures.copyDirectory.flatMap { directories.id(of: $0) }
        return copy != nil && copy == known ? copy : directories.id(of: own)
    }
}
