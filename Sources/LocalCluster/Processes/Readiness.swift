import MartletClient
import Primitives
import WireMessages
package import World

/// Finds out when a cluster takes writes: every broker is alive, and a topic with all its replicas could be made.
package struct Readiness {
    private static let pollMilliseconds: Int64 = 20
    private static let logLinesShown = 15

    private let processes: NodeProcesses
    private let clock: any Clock

    package init(processes: NodeProcesses, clock: any Clock) {
        self.processes = processes
        self.clock = clock
    }

    /// Returns when the cluster takes writes.
    ///
    /// - Errors: a node that ended meanwhile, with its last words; time that ran out, with what is missing.
    package func wait(secondsMax: Int) async throws(ClusterError) {
        var configuration = ClientConfiguration(
            bootstrapServers: processes.plan.bootstrapServers, clientID: "martlet-cluster")
        configuration.bootstrapTimeoutMilliseconds = 0
        configuration.callTimeoutMilliseconds = 0
        configuration.requestTimeoutMilliseconds = 2_000
        let admin: Admin
        do throws(ClientError) { admin = try Admin(configuration) } catch { throw .badPlan(error.description) }
        defer { admin.close() }
        let end = clock.now.advanced(byMilliseconds: Int64(secondsMax) * 1_000)
        var missing = "no node answers"
        while clock.now < end {
            try checkAlive()
            do throws(ClientError) {
                guard let what = try await whatIsMissing(admin) else { return }
                missing = what
            } catch { missing = error.description }
            try? await Task.sleep(for: .milliseconds(Readiness.pollMilliseconds))
        }
        throw .notReady(seconds: secondsMax, reason: missing)
    }

    private func checkAlive() throws(ClusterError) {
        for node in processes.plan.nodes where try processes.state(of: node) == .crashed {
            throw .nodeEnded(node, logTail: processes.directory.logTail(node, lines: Readiness.logLinesShown))
        }
    }

    /// What keeps the cluster from taking writes; nil if nothing does.
    private func whatIsMissing(_ admin: Admin) async throws(ClientError) -> String? {
        let plan = processes.plan
        let brokers = try await admin.describeCluster().brokers.filter { !$0.isFenced }
        let silent = plan.nodes.filter { node in !brokers.contains { $0.brokerID == BrokerID(Int32(node)) } }
        guard silent.isEmpty else {
            return "no registration of node \(silent.map(String.init).joined(separator: ", "))"
        }
        var topic = CreateTopicsRequest.CreatableTopic()
        topic.name = "martlet-readiness"
        topic.numPartitions = 1
        topic.replicationFactor = Int16(plan.replicationFactor)
        try await admin.create(topic, validatesOnly: true)
        return nil
    }
}
