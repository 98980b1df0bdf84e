import Metadata
import Primitives

/// Takes in what has become committed of transactions, with the rules about them: those ask what this has found.
struct TransactionsAreFollowed: PartitionInvariant {
    func violation(of partition: PartitionTruth, in truth: ClusterTruth) -> String? {
        truth.transactions.follow(partition)
    }
}

extension ClusterTruth {
    /// Markers lie on a disk that were not there before.
    func judgeMarkers(of replica: ReplicaTruth, _ partition: PartitionTruth) {
        for marker in replica.disk.takeMarkers() where partition.uncleanEpoch == nil {
            guard let reason = MarkersFollowDecisions.violation(marker, transactions) else { continue }
            violated("\(partition.name): node \(replica.node): \(reason)")
        }
    }

    /// A consumer that reads what is committed looked at a part of a log.
    ///
    /// - Parameters:
    ///   - offsets: of the records that it was left with.
    ///   - lastStable: what it was told with them.
    func readCommitted(_ id: TopicPartitionID, _ range: Range<Offset>, _ offsets: [Offset], lastStable: Offset) {
        guard let partition = partitions[id], partition.uncleanEpoch == nil,
            let known = transactions.known(of: partition)
        else { return }
        let stable = known.firstOpen ?? partition.committed.end
        if lastStable > stable {
            violated("INV-T3: \(partition.name): the stable end \(lastStable) was told, and it is \(stable)")
        }
        if let reason = ReadIsDecided.violation(range, offsets, in: partition, known) {
            violated("\(partition.name): \(reason)")
        }
        if !known.outcomes.isEmpty { reach("read_committed") }
    }
}
