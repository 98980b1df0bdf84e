import Glibc
import Simulator

/// How much was simulated on one core, and how fast.
struct Pace {
    private(set) var seeds = 0
    private(set) var events = 0
    private(set) var virtualMilliseconds: Int64 = 0
    private var records = 0
    private var seconds = 0.0

    /// The time that a core has spent on this process: a simulation has one thread, and a busy machine has many others.
    static var processorSeconds: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    /// A seed was run; its clients may have written.
    mutating func add(events count: Int, seconds more: Double, _ cluster: ClusterSimulation?) {
        seeds += 1
        events += count
        seconds += more
        virtualMilliseconds += cluster?.elapsedMilliseconds ?? 0
        records += cluster?.truth.acknowledgedCount ?? 0
    }

    var seedsASecond: String { Pace.rounded(Double(seeds) / max(seconds, 0.000_001)) }

    /// Of whole clusters: what a second of their time has in it, and how many of those a core runs in one of its own.
    var load: String {
        let virtualSeconds = max(Double(virtualMilliseconds) / 1_000, 0.001)
        return "\(Pace.rounded(Double(records) / virtualSeconds)) acknowledged records and "
            + "\(Pace.rounded(Double(events) / virtualSeconds)) events in a virtual second, "
            + "\(Pace.rounded(virtualSeconds / max(seconds, 0.000_001))) times real time"
    }

    private static func rounded(_ number: Double) -> String {
        number >= 10 ? "\(Int(number))" : "\(Double(Int(number * 100)) / 100)"
    }
}
