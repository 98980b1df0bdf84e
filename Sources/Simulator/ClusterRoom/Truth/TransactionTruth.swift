import Metadata
import Primitives

/// The transactions of a simulated cluster as they are: what coordinators decided and what became of it in the
/// partitions, read from what is committed of their logs.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class TransactionTruth: @unchecked Sendable {
    /// What a marker says whose transaction it ends: the epoch is the one behind the records' where each transaction
    /// has its own.
    struct Name: Hashable {
        let producer: ProducerID
        let epoch: ProducerEpoch
    }

    /// A transaction that is decided.
    struct Decision: Hashable {
        let transactionalID: String
        let isCommit: Bool
        let partitions: Set<String>
        let hasOwnEpoch: Bool
    }

    private(set) var decisions: [Name: Decision] = [:]
    /// What was ever decided by a name: without own epochs many transactions have the same.
    private(set) var verdicts: [Name: Set<Bool>] = [:]
    /// The partitions that coordinators noted for a producer and its records' epoch.
    private(set) var joined: [Name: Set<String>] = [:]
    /// The newest line of each id, in the order in which the ids came.
    private(set) var ids: [String] = []
    private(set) var lines: [String: TransactionLine] = [:]
    private var partitions: [TopicPartitionID: PartitionTransactions] = [:]
    /// How many decisions were seen.
    private(set) var commitCount = 0
    private(set) var abortCount = 0

    static let topicName = "__transaction_state"

    /// The transactions of a partition; nil where nothing of it is committed.
    func known(of partition: PartitionTruth) -> PartitionTransactions? { partitions[partition.id] }

    /// Takes in what has become committed of a partition; gives what is wrong with it.
    func follow(_ partition: PartitionTruth) -> String? {
        let known: PartitionTransactions
        if let found = partitions[partition.id] {
            known = found
        } else {
            known = PartitionTransactions(partition)
            partitions[partition.id] = known
        }
        let batches = partition.committed.batches
        // An unclean election took some of it back: from then on nothing is promised here.
        guard known.isWhole else { return nil }
        while known.seen < batches.count {
            let batch = batches[known.seen]
            known.seen += 1
            if case .states(let lines) = batch.meaning {
                for line in lines { if let reason = take(line) { return reason } }
            } else if let reason = known.take(batch, self) {
                return reason
            }
        }
        return nil
    }

    /// A coordinator wrote something down, durably; gives what is wrong with that.
    func take(_ line: TransactionLine) -> String? {
        let former = lines[line.transactionalID]
        if former == nil { ids.append(line.transactionalID) }
        lines[line.transactionalID] = line
        if let reason = TransactionTruth.badStep(from: former, to: line) { return reason }
        switch line.state {
        case .prepareCommit, .prepareAbort: return decide(line)
        case .completeCommit, .completeAbort:
            return former.flatMap { former in decisions[name(former)].flatMap { unwritten($0, name(former)) } }
        case .ongoing:
            joined[name(line), default: []].formUnion(line.partitions)
            return nil
        case .empty, .forgotten: return nil
        }
    }

    private func name(_ line: TransactionLine) -> Name { Name(producer: line.producer, epoch: line.epoch) }

    private func decide(_ line: TransactionLine) -> String? {
        let fresh = Decision(
            transactionalID: line.transactionalID, isCommit: line.state == .prepareCommit,
            partitions: line.partitions, hasOwnEpoch: line.hasOwnEpochs)
        let former = decisions.updateValue(fresh, forKey: name(line))
        verdicts[name(line), default: []].insert(fresh.isCommit)
        if fresh.isCommit { commitCount += 1 } else { abortCount += 1 }
        return former.flatMap { EpochNamesOneTransaction.violation($0, fresh, name(line)) }
    }

    /// Rule 28: what is decided stays, and is over before anything else begins.
    private static func badStep(from former: TransactionLine?, to line: TransactionLine) -> String? {
        guard let former, former.state == .prepareCommit || former.state == .prepareAbort else { return nil }
        let due: TransactionLine.State = former.state == .prepareCommit ? .completeCommit : .completeAbort
        return line.state == due
            ? nil : "INV-T2: \(line.transactionalID) went from \(former.state) to \(line.state), where \(due) was due"
    }

    /// Rule 28: a transaction is over when each of its partitions has the marker.
    private func unwritten(_ decision: Decision, _ name: Name) -> String? {
        for (_, partition) in partitions.sorted(by: { $0.key < $1.key }) {
            let place = partition.name
            guard decision.partitions.contains(place), partition.isWhole,
                partition.lastMarkers[name.producer].map({ $0.epoch < name.epoch }) ?? true
            else { continue }
            return "INV-T2: \(decision.transactionalID) is complete, and \(place) has no marker of producer "
                + "\(name.producer) epoch \(name.epoch)"
        }
        return nil
    }

    /// What keeps a transaction from being over; nil where all are.
    var unrest: String? {
        for id in ids {
            guard let line = lines[id] else { continue }
            switch line.state {
            case .ongoing, .prepareCommit, .prepareAbort: return "transaction \(id) is \(line.state)"
            case .empty, .completeCommit, .completeAbort, .forgotten: break
            }
        }
        return nil
    }
}
