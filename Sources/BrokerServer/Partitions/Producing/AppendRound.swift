import Primitives
import World

/// What one loop's round brings for partitions: it goes into the logs at the end of the round, for each partition with
/// one lock and one write.
///
/// `@unchecked Sendable`: touched on its loop only.
final class AppendRound: @unchecked Sendable {
    private let loop: any Loop
    private var queued: [(partition: Partition, incoming: [PartitionState.Incoming])] = []
    /// `run`, made once.
    private var roundEnd: @Sendable () -> Void = {}

    init(loop: any Loop) {
        self.loop = loop
        roundEnd = { [unowned self] in run() }
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
        for (partition, incoming) in round { partition.append(incoming) }
    }
}
