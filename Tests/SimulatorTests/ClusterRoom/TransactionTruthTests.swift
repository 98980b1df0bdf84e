import Metadata
import Primitives
import Testing

@testable import Simulator

/// The rules about transactions, each broken and not, by hand.
@Suite("What is true of transactions")
struct TransactionTruthTests {
    private let transactions = TransactionTruth()
    private let partition = PartitionTransactions(
        PartitionTruth(
            id: TopicPartitionID(TopicID(high: 1, low: 1), PartitionIndex(0)), topicName: "orders"))

    private func line(_ state: TransactionLine.State, epoch: Int16, _ partitions: Set<String> = ["orders-0"])
        -> TransactionLine
    {
        TransactionLine(
            transactionalID: "id", state: state, producer: ProducerID(7), epoch: ProducerEpoch(epoch),
            nextProducer: nil, partitions: partitions, hasOwnEpochs: true)
    }

    private func batch(_ base: Int64, epoch: Int16, _ meaning: BatchMeaning) -> DiskBatch {
        DiskBatch(
            base: Offset(base), end: Offset(base + 1), epoch: LeaderEpoch(0), checksum: 0, sum: 0,
            producerID: ProducerID(7), producerEpoch: ProducerEpoch(epoch), baseSequence: 0, recordCount: 1,
            meaning: meaning)
    }

    /// A transaction of epoch 0 with one record, up to its decision.
    private func decide(isCommit: Bool = true) {
        #expect(transactions.take(line(.ongoing, epoch: 0)) == nil)
        #expect(partition.take(batch(0, epoch: 0, .part), transactions) == nil)
        #expect(transactions.take(line(isCommit ? .prepareCommit : .prepareAbort, epoch: 1)) == nil)
    }

    private func marker(isCommit: Bool = true, coordinatorEpoch: Int32 = 3, epoch: Int16 = 1) -> DiskBatch {
        batch(1, epoch: epoch, .marker(isCommit: isCommit, coordinatorEpoch: coordinatorEpoch))
    }

    @Test("A transaction that is as it should be breaks no rule, nor does the next one")
    func fine() {
        decide()
        #expect(MarkersFollowDecisions.violation(marker(), transactions) == nil)
        #expect(partition.firstOpen == Offset(0))
        #expect(partition.take(marker(), transactions) == nil)
        #expect(partition.firstOpen == nil && partition.outcomes == [Offset(0): true])
        #expect(transactions.take(line(.completeCommit, epoch: 1, [])) == nil)
        #expect(transactions.take(line(.ongoing, epoch: 1)) == nil)
        #expect(partition.take(batch(2, epoch: 1, .part), transactions) == nil)
        #expect(transactions.unrest != nil)
    }

    @Test("INV-T1: an epoch is decided once, and stays ended")
    func oneTransaction() {
        decide()
        #expect(partition.take(marker(), transactions) == nil)
        #expect(partition.take(batch(2, epoch: 0, .part), transactions)?.hasPrefix("INV-T1") == true)
        #expect(transactions.take(line(.completeCommit, epoch: 1, [])) == nil)
        #expect(transactions.take(line(.prepareAbort, epoch: 1))?.hasPrefix("INV-T1") == true)
    }

    @Test("Rule 30: who writes has joined")
    func joined() {
        #expect(transactions.take(line(.ongoing, epoch: 0, ["orders-1"])) == nil)
        #expect(partition.take(batch(0, epoch: 0, .part), transactions)?.hasPrefix("rule 30") == true)
    }

    @Test("INV-T2: a marker says what was decided before it")
    func decidedFirst() {
        #expect(MarkersFollowDecisions.violation(marker(), transactions)?.contains("before anything") == true)
        decide(isCommit: false)
        #expect(MarkersFollowDecisions.violation(marker(), transactions)?.contains("not decided") == true)
        #expect(MarkersFollowDecisions.violation(marker(isCommit: false), transactions) == nil)
    }

    @Test("INV-T2: markers come in the order of their coordinators' epochs")
    func coordinators() {
        decide()
        #expect(partition.take(marker(), transactions) == nil)
        #expect(partition.take(marker(), transactions) == nil)
        #expect(partition.take(marker(coordinatorEpoch: 2), transactions)?.contains("coordinator epoch") == true)
    }

    @Test(
        "INV-T2: what is decided is followed by its own end alone",
        arguments: [
            TransactionLine.State.ongoing, .completeAbort, .empty, .prepareAbort,
        ])
    func steps(state: TransactionLine.State) {
        decide()
        #expect(transactions.take(line(state, epoch: 1))?.hasPrefix("INV-T2") == true)
    }
}
