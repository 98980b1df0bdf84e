import Testing

@testable import Simulator

@Suite("A simulated quorum")
struct QuorumSimulationTests {
    /// Seeds that failed once; they stay for good.
    static let formerFailures: [UInt64] = [6, 7, 58]

    @Test("keeps its invariants under faults and comes back after them", arguments: formerFailures + [1, 2, 3, 4, 5])
    func keepsItsInvariants(seed: UInt64) throws {
        var simulation = QuorumSimulation(seed: seed)
        try simulation.run()
        #expect(simulation.truth.committed.count > 10)
    }

    @Test("does the same again from the same seed, event by event")
    func isDeterministic() throws {
        var first = QuorumSimulation(seed: 11, isTraced: true)
        var second = QuorumSimulation(seed: 11, isTraced: true)
        try first.run()
        try second.run()
        #expect(first.fingerprint == second.fingerprint)
        #expect(first.trace == second.trace)
        #expect(first.steps == second.steps)
    }

    @Test("takes another way from another seed")
    func seedsDiffer() throws {
        var first = QuorumSimulation(seed: 1)
        var second = QuorumSimulation(seed: 2)
        try first.run()
        try second.run()
        #expect(first.fingerprint != second.fingerprint)
    }
}

@Suite("A simulated quorum whose voters come and go")
struct MembershipSimulationTests {
    /// Seeds that failed once; they stay for good.
    static let formerFailures: [UInt64] = [132, 279]

    @Test("keeps its invariants under faults and comes back after them", arguments: formerFailures + [1, 2, 3, 4, 5])
    func keepsItsInvariants(seed: UInt64) throws {
        var simulation = MembershipSimulation(seed: seed, isTraced: false)
        try simulation.run()
        #expect(simulation.quorum.truth.committed.count > 10)
    }

    @Test("does change its voters")
    func changes() throws {
        var done = 0
        for seed: UInt64 in 100..<110 {
            var simulation = MembershipSimulation(seed: seed, isTraced: false)
            try simulation.run()
            done += simulation.quorum.operationsDone
        }
        #expect(done > 10)
    }

    @Test("does the same again from the same seed, event by event")
    func isDeterministic() throws {
        var first = MembershipSimulation(seed: 11, isTraced: true)
        var second = MembershipSimulation(seed: 11, isTraced: true)
        try first.run()
        try second.run()
        #expect(first.fingerprint == second.fingerprint)
        #expect(first.trace == second.trace)
    }
}
