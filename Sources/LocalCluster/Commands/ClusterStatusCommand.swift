import ArgumentParser
import MartletClient
import Primitives
import WireMessages
import World

/// `martlet cluster status`: what each node is doing, and which is the active controller.
struct ClusterStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show what each node is doing.")

    @OptionGroup var options: ClusterOptions

    func run() async throws {
        let processes = try options.processes()
        let plan = processes.plan
        let leader = await activeController(plan)
        print("NODE  STATE    PID      CLIENTS          CONTROLLER       ADMIN            ACTIVE CONTROLLER")
        for node in plan.nodes {
            let (state, processID) = try ClusterStatusCommand.text(processes.state(of: node))
            let cells = [
                (String(node), 5), (state, 8), (processID, 8), (plan.clientEndpoint(of: node).description, 16),
                (plan.controllerEndpoint(of: node).description, 16),
                (plan.adminEndpoint(of: node).description, 16), (leader == node ? "yes" : "", 0),
            ]
            print(cells.map { $0.0 + String(repeating: " ", count: max(0, $0.1 - $0.0.count)) }.joined(separator: " "))
        }
    }

    private static func text(_ state: NodeProcesses.State) -> (state: String, processID: String) {
        switch state {
        case .running(let process): ("running", "\(process.processID)")
        case .paused(let process): ("paused", "\(process.processID)")
        case .crashed: ("dead", "-")
        case .stopped: ("stopped", "-")
        }
    }

    /// The node that leads the metadata quorum; nil where nobody answers.
    private func activeController(_ plan: ClusterPlan) async -> Int? {
        var configuration = ClientConfiguration(bootstrapServers: plan.bootstrapServers, clientID: "martlet-cluster")
        configuration.bootstrapTimeoutMilliseconds = 0
        configuration.requestTimeoutMilliseconds = 1_000
        configuration.connectTimeoutMilliseconds = 500
        configuration.callTimeoutMilliseconds = 1_000
        guard let admin = try? Admin(configuration), let quorum = try? await admin.describeQuorum() else { return nil }
        admin.close()
        return quorum.topics.first?.partitions.first.map { Int($0.leaderID.value) }
    }
}
