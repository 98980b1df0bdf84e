import Testing

@testable import Simulator

/// Fault F32 (KAFKA-17754): a request is held for up to a minute, its producer gives the attempt up, tries again,
/// aborts or goes on, and then it arrives.
@Suite("Requests of transactions that come late")
struct LateRequestTests {
    private static func plan(_ change: (inout TransactionPlan) -> Void) -> ClusterPlan {
        var plan = ClusterPlan.calm
        var transactions = TransactionPlan()
        transactions.transactorCount = 16
        transactions.processorCount = 2
        transactions.heldOneIn = 3
        transactions.heldMillisecondsMax = 60_000
        transactions.patienceMillisecondsMax = 100
        transactions.timeoutMilliseconds = 10_000
        transactions.leftOneIn = nil
        transactions.stepMilliseconds = 5
        change(&transactions)
        plan.transactions = transactions
        plan.producerCount = 0
        plan.loadMilliseconds = 60_000
        return plan
    }

    @Test("tear none of more than a thousand transactions")
    func noneTorn() throws {
        let simulation = ClusterSimulation(seed: 1, plan: LateRequestTests.plan { _ in })
        try simulation.run()
        let counts = try #require(simulation.transactions).ledger.counts
        #expect(counts.committed + counts.aborted + counts.unknown > 1_000, "\(counts)")
        #expect(counts.committed > 500 && counts.aborted > 100, "\(counts)")
        for kind in ["EndTxn", "Produce", "TxnOffsetCommit"] {
            #expect(simulation.truth.reached["held: \(kind)", default: 0] > 0, "\(simulation.truth.reached)")
        }
    }

    @Test("tear none of a producer without own epochs that takes a new one after doubt")
    func noneTornOfOld() throws {
        var plan = LateRequestTests.plan { $0.oldCount = 16 }
        plan.loadMilliseconds = 15_000
        let simulation = ClusterSimulation(seed: 1, plan: plan)
        try simulation.run()
        #expect(simulation.truth.reached["held: AddPartitionsToTxn", default: 0] > 0, "\(simulation.truth.reached)")
        #expect((simulation.transactions?.ledger.counts.committed ?? 0) > 50)
    }

    @Test("tear those of a producer without own epochs, as Kafka's is: that would be seen")
    func tornAsKafkas() {
        var plan = LateRequestTests.plan { transactions in
            transactions.oldCount = 16
            transactions.processorCount = 0
            transactions.oldTakeEpochInDoubt = false
        }
        plan.loadMilliseconds = 15_000
        var reason: String?
        do throws(SimulationFailure) { try ClusterSimulation(seed: 1, plan: plan).run() } catch {
            reason = error.reason
        }
        #expect(reason?.contains("P4") == true, "\(reason ?? "nothing was torn")")
    }
}
