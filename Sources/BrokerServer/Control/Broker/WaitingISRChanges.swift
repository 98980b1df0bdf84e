import DequeModule
import Metadata
import Primitives
import Replication

/// ISR changes that wait for the next request to the controller: one for each partition at most, in the order in which
/// the partitions came.
///
/// A partition may get a second one while its first still waits, where the leadership was lost and won again in
/// between: only the newer one is worth asking for, and the answer names nothing but the partition.
struct WaitingISRChanges {
    struct Change: Sendable {
        let partition: TopicPartitionID
        let proposal: ISRProposal
        let completion: AlterPartitionSender.Completion
    }

    private var order: Deque<TopicPartitionID> = []
    private var changes: [TopicPartitionID: Change] = [:]

    var isEmpty: Bool { order.isEmpty }

    /// Takes a change in; gives the one of the two of its partition that is not asked for.
    mutating func add(_ change: Change) -> Change? {
        guard let known = changes[change.partition] else {
            order.append(change.partition)
            changes[change.partition] = change
            return nil
        }
        guard !change.proposal.isOlder(than: known.proposal) else { return change }
        changes[change.partition] = change
        return known
    }

    /// Takes the first `count` changes out.
    mutating func take(_ count: Int) -> [Change] {
        let taken = order.prefix(count).compactMap { changes.removeValue(forKey: $0) }
        order.removeFirst(taken.count)
        return taken
    }
}

extension ISRProposal {
    /// Whether it is based on an earlier state of the partition.
    fileprivate func isOlder(than other: ISRProposal) -> Bool {
        (leaderEpoch, partitionEpoch) < (other.leaderEpoch, other.partitionEpoch)
    }
}
