import LocalCluster
import Testing

@Suite("Plan of a local cluster")
struct ClusterPlanTests {
    @Test("A node's properties say where it is and who votes")
    func properties() throws {
        let plan = try ClusterPlan(
            clusterID: "abc", nodeCount: 3, basePort: 9_092, overrides: ["min.insync.replicas=3"])
        let lines = plan.serverProperties(of: 2, dataDirectory: "/d").split(separator: "\n").map(String.init)
        for line in [
            "process.roles=broker,controller", "node.id=2", "cluster.id=abc", "log.dirs=/d",
            "controller.quorum.voters=1@127.0.0.1:19092,2@127.0.0.1:19093,3@127.0.0.1:19094",
            "listeners=PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:19093",
            "advertised.listeners=PLAINTEXT://127.0.0.1:9093", "default.replication.factor=3",
            "offsets.topic.replication.factor=3", "min.insync.replicas=3",
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!lines.contains("min.insync.replicas=2"), "an override replaces our own line")
        #expect(plan.bootstrapServers == "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094")
    }

    @Test("A single node needs no second replica; a sixth node does not vote")
    func sizes() throws {
        let one = try ClusterPlan(clusterID: "abc", nodeCount: 1, basePort: 9_092)
        #expect(one.replicationFactor == 1 && one.minInSyncReplicas == 1)
        let six = try ClusterPlan(clusterID: "abc", nodeCount: 6, basePort: 9_092)
        #expect(six.serverProperties(of: 6, dataDirectory: "/d").contains("process.roles=broker\n"))
    }

    @Test("What was written is read again")
    func text() throws {
        let plan = try ClusterPlan(clusterID: "a", nodeCount: 3, basePort: 1_000, overrides: ["a.b=c=d"])
        #expect(try ClusterPlan(parsing: plan.text, path: "p") == plan)
        #expect(throws: ClusterError.self) { try ClusterPlan(parsing: "nodes=3\n", path: "p") }
    }

    @Test("Numbers that make no sense are refused", arguments: [(0, 9_092), (101, 9_092), (3, 0), (3, 56_000)])
    func refused(nodes: Int, port: Int) {
        #expect(throws: ClusterError.self) { try ClusterPlan(clusterID: "a", nodeCount: nodes, basePort: port) }
    }
}
