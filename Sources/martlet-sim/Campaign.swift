import Glibc
import Simulator

/// What a range of seeds came to.
struct Campaign {
    private(set) var failures = 0
    private var seeds = 0
    private var events = 0
    private var virtualMilliseconds: Int64 = 0
    private var reached: [String: Int] = [:]
    private let start = Campaign.processorSeconds

    mutating func run<Simulation: SeededSimulation>(_ type: Simulation.Type, _ seed: UInt64) {
        var simulation = type.init(seed: seed, isTraced: false)
        do throws(SimulationFailure) { try simulation.run() } catch {
            print(error)
            // A run that is ended from outside, or ends itself, has said what it found.
            fflush(nil)
            failures += 1
        }
        seeds += 1
        events += simulation.steps
        guard let cluster = simulation as? ClusterSimulation else { return }
        virtualMilliseconds += cluster.elapsedMilliseconds
        for state in cluster.truth.reached.keys { reached[state, default: 0] += 1 }
    }

    /// The time that a core has spent on this process: a simulation has one thread, and a busy machine has many others.
    private static var processorSeconds: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    /// How it went and how fast on one core, then what was reached in how many seeds.
    var report: [String] {
        let seconds = max(Campaign.processorSeconds - start, 0.000_001)
        var line =
            "\(seeds - failures) seeds passed, \(failures) failed, \(events) events, "
            + "\(Campaign.rounded(Double(seeds) / seconds)) seeds a second of a core"
        if virtualMilliseconds > 0 {
            let ratio = Double(virtualMilliseconds) / 1_000 / seconds
            line += ", \(virtualMilliseconds / 1_000) virtual seconds, \(Campaign.rounded(ratio)) times real time"
        }
        return [line] + reached.sorted { $0.key < $1.key }.map { "  \($0.value) seeds: \($0.key)" }
    }

    private static func rounded(_ number: Double) -> String {
        number >= 10 ? "\(Int(number))" : "\(Double(Int(number * 100)) / 100)"
    }
}
