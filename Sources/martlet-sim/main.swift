import ArgumentParser
import Simulator

/// What is simulated.
enum Room: String, ExpressibleByArgument, CaseIterable {
    case quorum
    case replication
}

/// Runs one of the simulator's rooms on virtual time: many seeds, or one with a readable trace.
struct SimulatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-sim",
        abstract: "Run Martlet's cores in a deterministic simulator, with faults drawn from a seed.")

    @Option(help: "One seed, with a line for each change of state.")
    var seed: UInt64?

    @Option(help: "A range of seeds: A...B.")
    var seeds: String?

    @Option(help: "What is simulated: quorum or replication.")
    var room = Room.quorum

    func validate() throws {
        guard (seed == nil) != (seeds == nil) else { throw ValidationError("give --seed N or --seeds A...B") }
        if let seeds, SimulatorCommand.range(seeds) == nil {
            throw ValidationError("--seeds \(seeds): expected A...B with A not above B")
        }
    }

    private static func range(_ text: String) -> ClosedRange<UInt64>? {
        guard let dots = text.firstRange(of: "..."), let first = UInt64(text[..<dots.lowerBound]),
            let last = UInt64(text[dots.upperBound...]), first <= last
        else { return nil }
        return first...last
    }

    func run() throws {
        switch room {
        case .quorum: try run(QuorumSimulation.self)
        case .replication: try run(ReplicationSimulation.self)
        }
    }

    private func run<Simulation: SeededSimulation>(_ type: Simulation.Type) throws {
        if let seed { return try runTraced(type, seed) }
        guard let range = seeds.flatMap(SimulatorCommand.range) else { return }
        let clock = ContinuousClock()
        let start = clock.now
        var events = 0
        for seed in range {
            var simulation = type.init(seed: seed, isTraced: false)
            do throws(SimulationFailure) { try simulation.run() } catch {
                print(error)
                throw ExitCode.failure
            }
            events += simulation.steps
        }
        let passed = clock.now - start
        let seconds = Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
        let rate = Double(range.count) / max(seconds, 0.000_001)
        print("\(range.count) seeds passed, \(events) events, \(Int(rate)) seeds a second")
    }

    private func runTraced<Simulation: SeededSimulation>(_ type: Simulation.Type, _ seed: UInt64) throws {
        var simulation = type.init(seed: seed, isTraced: true)
        let result = Result { () throws(SimulationFailure) in try simulation.run() }
        for line in simulation.trace { print(line) }
        switch result {
        case .success:
            print("seed \(seed) passed: \(simulation.steps) events, fingerprint \(simulation.fingerprint)")
        case .failure(let failure):
            print(failure)
            throw ExitCode.failure
        }
    }
}

SimulatorCommand.main()
