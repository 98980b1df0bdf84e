import BrokerServer
import Foundation
import Testing

@testable import Simulator

@Suite("A simulated cluster")
struct ClusterSimulationTests {
    @Test("keeps its promises without faults")
    func calm() throws {
        var plan = ClusterPlan.calm
        plan.loadMilliseconds = 1_000
        let simulation = ClusterSimulation(seed: 1, plan: plan)
        try simulation.run()
        #expect(simulation.truth.acknowledgedCount > 50)
        #expect(simulation.truth.consumedCount >= simulation.truth.acknowledgedCount)
        // Whoever adds a field to what a replica says of itself has to let `isStill` ask for it, too.
        let witnesses = simulation.truth.partitions.values.flatMap { partition in
            partition.numbers.compactMap { partition.replicas[$0]?.witness }
        }
        let witness = try #require(witnesses.first { $0.leading != nil })
        #expect(Mirror(reflecting: witness).children.count == 10)
        #expect(try Mirror(reflecting: #require(witness.leading)).children.count == 8)
    }

    @Test("keeps its promises under faults and comes to rest after them", arguments: [1, 2] as [UInt64])
    func keepsItsPromises(seed: UInt64) throws {
        let simulation = ClusterSimulation(seed: seed, isTraced: false)
        try simulation.run()
        #expect(simulation.truth.acknowledgedCount > 0)
    }

    @Test("is caught when acknowledged records are lost: power fails everywhere without flush.on.ack")
    func plantedLoss() {
        var plan = ClusterPlan.calm
        plan.flushesOnAck = false
        plan.breaksPromises = true
        plan.faults = [.blackout]
        plan.faultIntervalMilliseconds = 700
        plan.loadMilliseconds = 3_000
        let reasons = (1...3 as ClosedRange<UInt64>).compactMap { seed -> String? in
            let simulation = ClusterSimulation(seed: seed, plan: plan)
            do throws(SimulationFailure) { try simulation.run() } catch { return error.reason }
            return nil
        }
        #expect(reasons.contains { $0.contains("INV-") }, "\(reasons)")
    }

    @Test("survives disks that fail, fill and rot in what can be made anew", arguments: [1, 2] as [UInt64])
    func brokenDisks(seed: UInt64) throws {
        var plan = ClusterPlan.calm
        plan.faults = [.fullDisk, .failingDisk, .rottenIndex]
        plan.faultIntervalMilliseconds = 700
        plan.loadMilliseconds = 5_000
        let simulation = ClusterSimulation(seed: seed, plan: plan)
        try simulation.run()
        #expect(simulation.truth.acknowledgedCount > 0)
    }

    @Test("judges what a process says in the event in which it ends itself for its disk")
    func lastWords() throws {
        var plan = ClusterPlan.calm
        plan.faults = [.fullDisk, .failingDisk]
        plan.recordIntervalMilliseconds = 5
        plan.faultIntervalMilliseconds = 300
        plan.loadMilliseconds = 3_000
        var reached = 0
        for seed in 1...8 as ClosedRange<UInt64> where reached == 0 {
            let simulation = ClusterSimulation(seed: seed, plan: plan)
            try simulation.run()
            reached += simulation.truth.reached["a process spoke in the event that ended it", default: 0]
        }
        #expect(reached > 0)
    }

    /// Runs a seed in a process of its own, where sets and dictionaries have an order of their own, too.
    private func fingerprint(seed: UInt64) throws -> String {
        let process = Process()
        let test = URL(fileURLWithPath: CommandLine.arguments[0])
        process.executableURL = test.deletingLastPathComponent().appendingPathComponent("martlet-sim")
        process.arguments = ["--cluster", "--quiet", "--seed", "\(seed)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }

    @Test(
        "does the same again in another process, event by event, where brokers stop in order, too",
        arguments: [5, 9] as [UInt64])
    func isDeterministic(seed: UInt64) throws {
        let simulation = ClusterSimulation(seed: seed, isTraced: true)
        try? simulation.run()
        let told = try fingerprint(seed: seed)
        #expect(told.contains("\(simulation.steps) events, fingerprint \(simulation.fingerprint)"), "\(told)")
        #expect(try fingerprint(seed: seed) == told)
    }
}
