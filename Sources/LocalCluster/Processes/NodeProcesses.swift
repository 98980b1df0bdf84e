import Glibc
import Primitives
package import World

/// The node processes of one cluster: started, stopped, killed and looked at.
package struct NodeProcesses: Sendable {
    /// How long a node may take to end after SIGTERM: it hands its leaderships over and closes its logs.
    static let stopMillisecondsMax: Int64 = 60_000
    /// How long a killed process may take to vanish: the system takes back its memory and closes its files first, ten
    /// thousands of them where it had many partitions.
    static let killMillisecondsMax: Int64 = 60_000
    private static let pollMilliseconds: Int64 = 5

    /// What a node is doing.
    package enum State: Hashable, Sendable {
        case running(ProcessIdentity)
        case paused(ProcessIdentity)
        /// It was started and not stopped in order, but there is no such process any more.
        case crashed
        case stopped
    }

    package let directory: ClusterDirectory
    package let plan: ClusterPlan
    private let clock: any Clock

    package init(directory: ClusterDirectory, plan: ClusterPlan, clock: any Clock) {
        self.directory = directory
        self.plan = plan
        self.clock = clock
    }

    /// What one node is doing now.
    package func state(of node: Int) throws(ClusterError) -> State {
        guard plan.nodes.contains(node) else { throw .noSuchNode(node, nodeCount: plan.nodeCount) }
        guard let process = try directory.process(of: node) else { return .stopped }
        switch ProcessTable.activity(of: process) {
        case .running: return .running(process)
        case .paused: return .paused(process)
        case .gone: return .crashed
        }
    }

    /// Starts a node that is not running; returns at once.
    ///
    /// - Parameter program: whose `server` command runs; this one's if left out.
    /// - Parameter environment: NAME=VALUE, beyond what this process was given.
    package func start(
        _ node: Int, program: String? = nil, environment: [String] = []
    ) throws(ClusterError) -> (process: ProcessIdentity, configuring: ClusterDirectory.Configuring) {
        switch try state(of: node) {
        case .running(let process), .paused(let process):
            throw .alreadyRunning(node, processID: process.processID)
        case .crashed, .stopped: break
        }
        let configuring = try directory.writeConfiguration(of: node, plan)
        let executable: String
        if let program { executable = program } else { executable = try ProcessLauncher.ownExecutable() }
        let process = try ProcessLauncher.launch(
            executable, ["server", directory.configurationPath(node)],
            logPath: directory.logPath(node), environment: environment)
        try directory.write(process, of: node)
        return (process, configuring)
    }

    /// Asks a node to stop in order (SIGTERM); returns its process, to be waited for. A paused one is woken for it.
    package func requestStop(_ node: Int) throws(ClusterError) -> ProcessIdentity {
        let process = try living(node)
        ProcessTable.signal(process, SIGTERM)
        ProcessTable.signal(process, SIGCONT)
        return process
    }

    /// Waits until a node that was asked to stop has ended.
    package func waitForStop(_ node: Int, _ process: ProcessIdentity) async throws(ClusterError) {
        try await waitForEnd(node, process, millisecondsMax: NodeProcesses.stopMillisecondsMax)
        try directory.removeProcess(of: node)
    }

    /// Kills a node (SIGKILL) and waits until its process is gone.
    package func kill(_ node: Int) async throws(ClusterError) {
        let process = try living(node)
        ProcessTable.signal(process, SIGKILL)
        try await waitForEnd(node, process, millisecondsMax: NodeProcesses.killMillisecondsMax)
    }

    /// Kills all nodes that live, all at once, and waits until their processes are gone.
    ///
    /// - Errors: `stillAlive` of the first that does not end; all others were killed nevertheless.
    package func killAll() async throws(ClusterError) {
        var killed: [(node: Int, process: ProcessIdentity)] = []
        for node in plan.nodes {
            guard let process = try directory.process(of: node), ProcessTable.signal(process, SIGKILL) else { continue }
            killed.append((node, process))
        }
        for (node, process) in killed {
            try await waitForEnd(node, process, millisecondsMax: NodeProcesses.killMillisecondsMax)
        }
    }

    /// Stops a node's process where it stands (SIGSTOP): its connections stay open, it says nothing.
    package func pause(_ node: Int) throws(ClusterError) { ProcessTable.signal(try living(node), SIGSTOP) }

    /// Lets a paused node go on (SIGCONT).
    package func resume(_ node: Int) throws(ClusterError) { ProcessTable.signal(try living(node), SIGCONT) }

    private func living(_ node: Int) throws(ClusterError) -> ProcessIdentity {
        switch try state(of: node) {
        case .running(let process), .paused(let process): return process
        case .crashed, .stopped: throw .notRunning(node)
        }
    }

    private func waitForEnd(
        _ node: Int, _ process: ProcessIdentity, millisecondsMax: Int64
    ) async throws(ClusterError) {
        let end = clock.now.advanced(byMilliseconds: millisecondsMax)
        while ProcessTable.activity(of: process) != .gone {
            guard clock.now < end else { throw .stillAlive(node, processID: process.processID) }
            try? await Task.sleep(for: .milliseconds(NodeProcesses.pollMilliseconds))
        }
    }
}
