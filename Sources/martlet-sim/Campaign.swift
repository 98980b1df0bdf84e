import Glibc
import Simulator

/// What a range of seeds came to.
struct Campaign {
    private(set) var failures = 0
    private var pace = Pace()
    /// Of the clusters of three nodes alone, which is what is compared from one build to the next.
    private var paceOfThree = Pace()
    private var reached: [String: Int] = [:]

    mutating func run<Simulation: SeededSimulation>(_ type: Simulation.Type, _ seed: UInt64) {
        let start = Pace.processorSeconds
        var simulation = type.init(seed: seed, isTraced: false)
        do throws(SimulationFailure) { try simulation.run() } catch {
            print(error)
            // A run that is ended from outside, or ends itself, has said what it found.
            fflush(nil)
            failures += 1
        }
        let seconds = Pace.processorSeconds - start
        let cluster = simulation as? ClusterSimulation
        pace.add(events: simulation.steps, seconds: seconds, cluster)
        guard let cluster else { return }
        if cluster.plan.nodeCount == 3 { paceOfThree.add(events: simulation.steps, seconds: seconds, cluster) }
        for state in cluster.truth.reached.keys { reached[state, default: 0] += 1 }
    }

    /// How it went and how fast on one core, then what was reached in how many seeds.
    var report: [String] {
        var lines = [
            "\(pace.seeds - failures) seeds passed, \(failures) failed, \(pace.events) events, "
                + "\(pace.seedsASecond) seeds a second of a core"
        ]
        if pace.virtualMilliseconds > 0 {
            lines[0] += ", \(pace.virtualMilliseconds / 1_000) virtual seconds"
            lines.append("  all clusters: \(pace.load)")
            if paceOfThree.seeds > 0 { lines.append("  three nodes: \(paceOfThree.load)") }
        }
        return lines + reached.sorted { $0.key < $1.key }.map { "  \($0.value) seeds: \($0.key)" }
    }
}
