import Primitives
import Simulator
import Testing

@Suite("Replication simulation") struct ReplicationSimulationTests {
    @Test("Rules 1–15 and 17: no seed breaks an invariant, and every partition comes back", arguments: 0..<4)
    func seeds(block: UInt64) throws {
        for seed in block * 5 + 1...block * 5 + 5 {
            var simulation = ReplicationSimulation(seed: seed)
            try simulation.run()
            #expect(!simulation.truth.acknowledged.isEmpty)
        }
    }

    @Test("Rule 21: a partition that moves between brokers under faults loses nothing, and arrives", arguments: 0..<4)
    func reassigned(block: UInt64) throws {
        var moved = 0
        for seed in 100 + block * 12..<112 + block * 12 {
            var simulation = ReplicationSimulation(seed: seed)
            guard simulation.reassigns else { continue }
            try simulation.run()
            #expect(!simulation.truth.acknowledged.isEmpty)
            moved += 1
        }
        #expect(moved > 0)
    }

    @Test("The same seed gives the same run")
    func deterministic() throws {
        var first = ReplicationSimulation(seed: 7, isTraced: true)
        var second = ReplicationSimulation(seed: 7, isTraced: true)
        try first.run()
        try second.run()
        #expect(first.trace == second.trace)
        #expect(first.fingerprint == second.fingerprint)
    }
}
