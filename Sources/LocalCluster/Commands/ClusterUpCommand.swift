import ArgumentParser
import LiveWorld
import Primitives
import World

/// `martlet cluster up`: starts the nodes that do not run, and returns when the cluster takes writes.
struct ClusterUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Start a cluster and return when it takes writes; the nodes go on running.")

    @OptionGroup var options: ClusterOptions
    @Option(name: .customLong("nodes"), help: "How many nodes; 3 for a new cluster.") var nodes: Int?
    @Option(name: .customLong("base-port"), help: "The client port of node 1; 9092 for a new cluster.")
    var basePort: Int?
    @Option(
        name: .customLong("override"),
        help: "A line for every node's server.properties, key=value; {node} is its number.")
    var overrides: [String] = []
    @Option(name: .customLong("timeout"), help: "Seconds to wait until it takes writes.") var timeoutSeconds = 60

    func run() async throws {
        let clock = SystemClock()
        let start = clock.now
        let directory = options.clusterDirectory()
        let plan = try plan(directory)
        let processes = NodeProcesses(directory: directory, plan: plan, clock: clock)
        print("Starting \(plan.nodeCount) node\(plan.nodeCount == 1 ? "" : "s") in \(directory.path)")
        for node in plan.nodes {
            switch try processes.state(of: node) {
            case .running(let process), .paused(let process):
                print("Node \(node) runs already (pid \(process.processID))")
            case .crashed, .stopped:
                let (process, configuring) = try processes.start(node)
                print("Node \(node): clients at \(plan.clientEndpoint(of: node)), pid \(process.processID)")
                if configuring == .keptAsEdited { print(directory.remarkOnEdited(node)) }
            }
        }
        let readiness = Readiness(processes: processes, clock: clock)
        try await readiness.wait(secondsMax: timeoutSeconds)
        let milliseconds = clock.now.milliseconds(since: start)
        print(
            "The cluster takes writes, \(milliseconds) ms after the start. Bootstrap servers: \(plan.bootstrapServers)")
        print("See `martlet cluster status`; `martlet cluster down` stops it.")
    }

    /// The plan that stands in the directory, or a new one.
    private func plan(_ directory: ClusterDirectory) throws(ClusterError) -> ClusterPlan {
        if directory.holdsCluster {
            let known = try directory.plan()
            if let nodes, nodes != known.nodeCount {
                throw .otherCluster(directory: directory.path, difference: "\(known.nodeCount) nodes")
            }
            if let basePort, basePort != known.basePort {
                throw .otherCluster(directory: directory.path, difference: "base port \(known.basePort)")
            }
            guard !overrides.isEmpty else { return known }
            let changed = try ClusterPlan(
                clusterID: known.clusterID, nodeCount: known.nodeCount, basePort: known.basePort, overrides: overrides)
            try directory.write(changed)
            return changed
        }
        var generator = SeededGenerator(seed: SystemRandomness().next())
        let fresh = try ClusterPlan(
            clusterID: UUID128.random(using: &generator).description, nodeCount: nodes ?? 3, basePort: basePort ?? 9092,
            overrides: overrides)
        try directory.write(fresh)
        return fresh
    }
}
