import ArgumentParser
import Primitives
import Simulator

#if MUTANTS
    import Mutants
#endif

/// What is simulated.
enum Room: String, ExpressibleByArgument, CaseIterable {
    case quorum
    case membership
    case replication
    case cluster
}

#if !FUZZER
    @main
    extension SimulatorCommand {}
#endif

/// Runs one of the simulator's rooms on virtual time: many seeds, or one with a readable trace.
struct SimulatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-sim",
        abstract: "Run Martlet in a deterministic simulator, with faults drawn from a seed.",
        discussion: """
            The rooms quorum and replication run those cores alone; the room cluster runs whole nodes, with virtual \
            disks, clocks and wires, and clients. A run that fails names its seed, and the seed replays it.
            """)

    @Option(help: "One seed, with a line for each change of state.")
    var seed: UInt64?

    @Option(help: "A range of seeds: A...B.")
    var seeds: String?

    @Flag(help: "How fast a fixed cluster of three nodes under a steady load is simulated on a core.")
    var speed = false

    @Option(help: "What is simulated: quorum, membership, replication or cluster.")
    var room = Room.quorum

    @Flag(help: "The same as --room cluster.")
    var cluster = false

    @Option(help: "With --seed: only the lines of the trace about one partition, topic-0, and those about nodes.")
    var explain: String?

    @Flag(help: "With --seed: only the last line, with the fingerprint.")
    var quiet = false

    @Flag(help: "With --seeds: go on after a failure, and say at the end how many there were.")
    var keepGoing = false

    @Option(help: "With --cluster --seeds: only those in whose plan this stands: groups, cutLogs; may be repeated.")
    var only: [String] = []

    #if MUTANTS
        @Option(help: "Break one rule, and say which invariant sees it at which seed; `list` names the rules.")
        var mutant: String?
    #endif

    func validate() throws {
        #if MUTANTS
            if mutant == "list" { return }
            if let mutant, Mutant(rawValue: mutant) == nil {
                throw ValidationError("--mutant \(mutant): no such rule; `--mutant list` names them")
            }
        #endif
        if speed {
            guard seed == nil, seeds == nil else { throw ValidationError("--speed takes no seed: its run is fixed") }
            return
        }
        if !only.isEmpty, seeds == nil || !(cluster || room == .cluster) {
            throw ValidationError("--only chooses among the seeds of --cluster --seeds A...B")
        }
        guard (seed == nil) != (seeds == nil) else {
            throw ValidationError("give --seed N, --seeds A...B or --speed")
        }
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
        #if MUTANTS
            if mutant == "list" { return Mutant.allCases.forEach { print($0.rawValue) } }
            if let mutant = mutant.flatMap(Mutant.init(rawValue:)) {
                Mutant.choose(mutant)
                if let seeds = seeds.flatMap(SimulatorCommand.range) { return MutantHunt(mutant, seeds).run() }
            }
        #endif
        if speed { return try runSteady() }
        switch cluster ? .cluster : room {
        case .quorum: try run(QuorumSimulation.self)
        case .membership: try run(MembershipSimulation.self)
        case .replication: try run(ReplicationSimulation.self)
        case .cluster: try run(ClusterSimulation.self)
        }
    }

    private func run<Simulation: SeededSimulation>(_ type: Simulation.Type) throws {
        if let seed { return try runTraced(type, seed) }
        guard let range = seeds.flatMap(SimulatorCommand.range) else { return }
        var campaign = Campaign()
        for seed in range where isWanted(seed) {
            RunningSeed.begin(seed)
            campaign.run(type, seed)
            if campaign.failures > 0, !keepGoing { break }
        }
        for line in campaign.report { print(line) }
        if campaign.failures > 0 { throw ExitCode.failure }
    }

    private func isWanted(_ seed: UInt64) -> Bool {
        guard !only.isEmpty else { return true }
        var generator = SeededGenerator(seed: seed)
        let plan = ClusterPlan(drawnFrom: &generator).description
        return only.allSatisfy { plan.contains($0) }
    }

    private func runSteady() throws {
        RunningSeed.begin(1)
        let start = Pace.processorSeconds
        let simulation = ClusterSimulation(seed: 1, plan: .steady)
        do throws(SimulationFailure) { try simulation.run() } catch {
            print(error)
            throw ExitCode.failure
        }
        var pace = Pace()
        pace.add(events: simulation.steps, seconds: Pace.processorSeconds - start, simulation)
        print("\(simulation.plan)")
        print("\(pace.virtualMilliseconds / 1_000) virtual seconds: \(pace.load)")
    }

    private func runTraced<Simulation: SeededSimulation>(_ type: Simulation.Type, _ seed: UInt64) throws {
        RunningSeed.begin(seed)
        var simulation = type.init(seed: seed, isTraced: !quiet)
        let result = Result { () throws(SimulationFailure) in try simulation.run() }
        for line in simulation.trace where isExplained(line) { print(line) }
        switch result {
        case .success:
            print("seed \(seed) passed: \(simulation.steps) events, fingerprint \(simulation.fingerprint)")
        case .failure(let failure):
            print(failure)
            throw ExitCode.failure
        }
    }

    /// Lines about other partitions are left out where one is to be explained.
    private func isExplained(_ line: String) -> Bool {
        guard let explain else { return true }
        let name = line.split(separator: " ", maxSplits: 4).dropFirst(2).first { SimulatorCommand.isPartition($0) }
        return name.map { $0 == explain } ?? true
    }

    private static func isPartition(_ word: Substring) -> Bool {
        guard let dash = word.lastIndex(of: "-"), dash != word.startIndex else { return false }
        return Int32(word[word.index(after: dash)...]) != nil
    }
}
