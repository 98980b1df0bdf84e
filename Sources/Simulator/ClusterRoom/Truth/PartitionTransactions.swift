import Primitives

/// The transactions of one partition, by what is committed of its log.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class PartitionTransactions: @unchecked Sendable {
    struct Open: Hashable {
        let first: Offset
        let epoch: ProducerEpoch
        /// Where its batches begin.
        var bases: [Offset] = []
    }

    struct Marker: Hashable {
        let epoch: ProducerEpoch
        let isCommit: Bool
        let coordinatorEpoch: Int32
    }

    private let partition: PartitionTruth
    /// How many batches were seen.
    var seen = 0
    private(set) var open: [ProducerID: Open] = [:]
    private(set) var lastMarkers: [ProducerID: Marker] = [:]
    /// By where a batch begins, whether its transaction was committed.
    private(set) var outcomes: [Offset: Bool] = [:]
    /// The last stable offset that consumers were told.
    var shownStable = Offset.zero
    /// Whether nothing of it was taken back by an unclean election.
    var isWhole: Bool { partition.uncleanEpoch == nil }

    init(_ partition: PartitionTruth) { self.partition = partition }

    var name: String { partition.name }

    /// Where the oldest open transaction begins; nil where none is open.
    var firstOpen: Offset? { open.values.map(\.first).min() }

    /// A batch is committed; gives what is wrong with that.
    func take(_ batch: DiskBatch, _ transactions: TransactionTruth) -> String? {
        guard let meaning = batch.meaning, let producer = batch.producerID, let epoch = batch.producerEpoch else {
            return nil
        }
        switch meaning {
        case .states: return nil
        case .part:
            let reason =
                EpochNamesOneTransaction.violation(batch, producer, epoch, in: self)
                ?? WritersHaveJoined.violation(batch, producer, epoch, in: name, transactions)
            open[producer, default: Open(first: batch.base, epoch: epoch)].bases.append(batch.base)
            return reason
        case .marker(let isCommit, let coordinatorEpoch):
            let marker = Marker(epoch: epoch, isCommit: isCommit, coordinatorEpoch: coordinatorEpoch)
            let reason = MarkersFollowDecisions.violation(
                marker, of: producer, after: lastMarkers[producer])
            lastMarkers[producer] = marker
            for base in open.removeValue(forKey: producer)?.bases ?? [] { outcomes[base] = isCommit }
            return reason
        }
    }
}
