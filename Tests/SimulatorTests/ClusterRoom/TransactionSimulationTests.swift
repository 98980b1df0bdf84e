import Testing

@testable import Simulator

@Suite("Transactions in a simulated cluster")
struct TransactionSimulationTests {
    /// Nothing but transactions, without other faults.
    private static func plan(_ change: (inout TransactionPlan) -> Void) -> ClusterPlan {
        var plan = ClusterPlan.calm
        var transactions = TransactionPlan()
        transactions.transactorCount = 4
        transactions.stepMilliseconds = 5
        change(&transactions)
        plan.transactions = transactions
        plan.producerCount = 0
        plan.loadMilliseconds = 5_000
        return plan
    }

    @Test("are whole or not there, in both versions of the protocol, and what is processed is processed once")
    func calm() throws {
        let plan = TransactionSimulationTests.plan { transactions in
            transactions.oldCount = 1
            transactions.processorCount = 2
            transactions.leftOneIn = nil
        }
        let simulation = ClusterSimulation(seed: 1, plan: plan)
        try simulation.run()
        let counts = try #require(simulation.transactions).ledger.counts
        #expect(counts.committed > 20 && counts.aborted > 5, "\(counts)")
        #expect(simulation.transactions?.ledger.entries.contains { $0.input != nil && $0.fate == .committed } == true)
    }

    @Test("end when their producer leaves them, and a zombie writes nothing more", arguments: [1, 2] as [UInt64])
    func leftAndReplaced(seed: UInt64) throws {
        let plan = TransactionSimulationTests.plan { transactions in
            transactions.timeoutMilliseconds = 1_500
            transactions.leftOneIn = 4
            transactions.replacedEachMilliseconds = 1_000
            transactions.processorCount = 1
        }
        let simulation = ClusterSimulation(seed: seed, plan: plan)
        try simulation.run()
        #expect(simulation.truth.reached["a transactional zombie", default: 0] > 0)
        #expect(simulation.truth.reached["a transaction left alone", default: 0] > 0)
        #expect(try #require(simulation.transactions).ledger.counts.committed > 0)
    }
}
