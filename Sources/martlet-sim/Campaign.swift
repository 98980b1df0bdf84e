import Glibc
import Simulator

/// What a range of seeds came to.
struct Campaign {
    private(set) var failures = 0
    private var seeds = 0
    private var events = 0
    private var virtualMilliseconds: Int64 = 0
    private var reached: [String: Int] = [:]
    private let clock = ContinuousClock()
    private let start = ContinuousClock().now

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

    /// How it went and how fast, then what was reached in how many seeds.
    var report: [String] {
        let passed = clock.now - start
        let seconds = Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
        let rate = Double(seeds) / max(seconds, 0.000_001)
        var line =
            "\(seeds - failures) seeds passed, \(failures) failed, \(events) events, "
            + "\(Campaign.rounded(rate)) seeds a second"
        if virtualMilliseconds > 0 {
            let ratio = Double(virtualMilliseconds) / 1_000 / max(seconds, 0.000_001)
            line += ", \(virtualMilliseconds / 1_000) virtual seconds, \(Campaign.rounded(ratio)) times real time"
        }
        return [line] + reached.sorted { $0.key < $1.key }.map { "  \($0.value) seeds: \($0.key)" }
    }

    private static func rounded(_ number: Double) -> String {
        number >= 10 ? "\(Int(number))" : "\(Double(Int(number * 100)) / 100)"
    }
}
