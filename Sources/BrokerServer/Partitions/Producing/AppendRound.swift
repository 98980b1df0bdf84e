import LogStorage
import Primitives
import World

/// What one loop's round brings for partitions: it goes into the logs at the end of the round, for each partition with
/// one lock and one write.
///
/// `@unchecked Sendable`: touched on its loop only.
final class AppendRound: @unchecked Sendable {
    private let loop: any Loop
    private var queued: [(partition: Partition, incoming: [PartitionState.Incoming])] = []
    /// What was written in this round, and is read from memory by the fetches that it wakes.
    private var written: [SegmentFile] = []
    /// `run` and `forget`, made once.
    private var roundEnd: @Sendable () -> Void = {}
    private var behindRound: @Sendable () -> Void = {}

    init(loop: any Loop) {
        self.loop = loop
        roundEnd = { [unowned self] in run() }
        behindRound = { [unowned self] in forget() }
    }

    /// Queues a batch; order within a partition is the order of the calls.
    func add(_ incoming: PartitionState.Incoming, to partition: Partition) {
        if queued.isEmpty { loop.atEndOfRound(roundEnd) }
        // A round touches few partitions, mostly the one that was touched last.
        if let index = queued.lastIndex(where: { $0.partition === partition }) {
            queued[index].incoming.append(incoming)
        } else {
            queued.append((partition, [incoming]))
        }
    }

    private func run() {
        let round = queued
        queued = []
        for (partition, incoming) in round {
            if let file = partition.append(incoming) { written.append(file) }
        }
        // Runs behind the fetches of this loop that were woken.
        if !written.isEmpty { loop.atEndOfRound(behindRound) }
    }

    private func forget() {
        for file in written { file.forgetNewest() }
        written.removeAll(keepingCapacity: true)
    }
}
