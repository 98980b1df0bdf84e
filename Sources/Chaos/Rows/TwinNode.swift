import Glibc
import LiveWorld
import LocalCluster
import Primitives
import World

/// A second process that claims to be a node that runs already.
enum TwinNode: Hashable, Sendable {
    case sameDirectory
    /// Another directory and other ports, but the same `node.id`.
    case sameIdentity

    private static let refusalMillisecondsMax: Int64 = 30_000
    /// Far from the ports of the cluster itself.
    private static let portDistance = 50

    /// Starts it; true if it ends by itself in time.
    func run(beside node: Int, _ stage: ChaosStage) async throws -> Bool {
        let directory = stage.processes.directory
        var configuration = directory.configurationPath(node)
        let log = "\(directory.nodeFolder(node))/twin.log"
        if self == .sameIdentity {
            let plan = stage.processes.plan
            let own = try ClusterPlan(
                clusterID: plan.clusterID, nodeCount: plan.nodeCount,
                basePort: plan.basePort + TwinNode.portDistance, overrides: [voters(plan), "process.roles=broker"])
            let twin = ClusterDirectory(path: directory.path + "/twin", files: PosixFileStore())
            try twin.write(own)
            _ = try twin.writeConfiguration(of: node, own)
            configuration = twin.configurationPath(node)
        }
        stage.note("start a twin of node \(node), \(self)")
        let process = try ProcessLauncher.launch(
            try ProcessLauncher.ownExecutable(), ["server", configuration], logPath: log)
        let end = stage.clock.now.advanced(byMilliseconds: TwinNode.refusalMillisecondsMax)
        while ProcessTable.activity(of: process) != .gone {
            guard stage.clock.now < end else {
                ProcessTable.signal(process, SIGKILL)
                return false
            }
            await stage.pass(50)
        }
        stage.note("the twin has ended")
        return true
    }

    /// The controllers of the cluster that it wants to join.
    private func voters(_ plan: ClusterPlan) -> String {
        "controller.quorum.voters="
            + plan.nodes.map { "\($0)@\(plan.controllerEndpoint(of: $0))" }.joined(separator: ",")
    }
}
