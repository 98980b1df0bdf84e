import Primitives
import AdminTools
import MartletClient
import Testing
import WireMessages

@Suite("What tools read")
struct InputTests {
    @Test("Kafka's names of programs become subcommands")
    func programs() {
        #expect(
            KafkaArguments.arguments(of: ["/opt/bin/kafka-topics.sh", "--list"]) == ["topics", "--list"])
        #expect(KafkaArguments.arguments(of: ["kafka-dump-log", "--files", "a"]) == ["dump-log", "--files", "a"])
        #expect(KafkaArguments.arguments(of: ["/usr/bin/martlet", "topics"]) == ["topics"])
    }

    @Test("Kafka's cluster tool shares its name with clusters of one's own")
    func cluster() {
        #expect(KafkaArguments.arguments(of: ["martlet", "cluster", "up"]) == ["cluster", "up"])
        for line in [["martlet", "cluster", "cluster-id"], ["bin/kafka-cluster.sh", "cluster-id"]] {
            #expect(KafkaArguments.arguments(of: line) == ["kafka-cluster", "cluster-id"])
        }
    }

    @Test("An option may be shortened where only one begins so")
    func shortened() {
        let known = ["--topic", "--topic-id", "--partitions", "--bootstrap-server"]
        #expect(
            KafkaArguments.unshortened(["--boot=a:1", "--topic", "t", "--part", "3", "--t"], known: known)
                == ["--bootstrap-server=a:1", "--topic", "t", "--partitions", "3", "--t"])
    }

    @Test("A line has headers, a key and a value, as the properties say")
    func line() throws {
        var properties = ClientProperties()
        for property in ["parse.key=true", "parse.headers=true", "null.marker=NIL"] { try properties.set(property) }
        let format = try InputLine(properties)
        let parts = try format.parse(Array("h1:v1,h2:NIL\tkey\tvalue\tmore".utf8), number: 1)
        #expect(parts.headers.map(\.key) == ["h1", "h2"] && parts.headers[1].value == nil)
        #expect(parts.key == Array("key".utf8) && parts.value == Array("value\tmore".utf8))
        #expect(try format.parse(Array("h:v\tk\tNIL".utf8), number: 1).value == nil)
    }

    @Test("A line without a separator stops the tool with its number, or is all value where errors are ignored")
    func noSeparator() throws {
        var format = InputLine()
        format.parsesKey = true
        #expect {
            try format.parse(Array("abc".utf8), number: 1)
        } throws: { ($0 as? ToolFailure)?.description == "No key separator found on line number 1: 'abc'" }
        format.ignoresErrors = true
        #expect(try format.parse(Array("abc".utf8), number: 1).value == Array("abc".utf8))
    }

    @Test("A pattern matches whole names")
    func patterns() throws {
        let names = ["order", "orders", "orders.v2", "ordersXv2"]
        #expect(try TopicPattern("orders").matching(names) == ["orders"])
        #expect(try TopicPattern("orders.*").matching(names) == ["orders", "orders.v2", "ordersXv2"])
        #expect(try TopicPattern("orders\\.v2").matching(names) == ["orders.v2"])
        #expect(throws: ToolFailure.self) { try TopicPattern("(") }
    }

    @Test("Replicas by hand")
    func assignment() throws {
        let parsed = try ReplicaAssignmentText.parse("1:2:3, 2 :3:1")
        #expect(parsed.map { $0.map(\.value) } == [[1, 2, 3], [2, 3, 1]])
        for (bad, text) in [
            ("1:1", "Partition replica lists may not contain duplicate entries: 1"), ("a", "For input string: \"a\""),
            ("1:2,3", "Partition 1 has different replication factor: [3]"), ("-1", "For input string: \"-1\""),
        ] {
            #expect {
                try ReplicaAssignmentText.parse(bad)
            } throws: { ($0 as? ToolFailure)?.description == "Error while executing topic command : \(text)" }
        }
    }

    @Test("Client properties are applied, and what is not built is refused by name")
    func properties() throws {
        var properties = ClientProperties()
        try properties.set("request.timeout.ms=1234")
        var configuration = ClientConfiguration(bootstrapServers: "a:1")
        try properties.apply(to: &configuration)
        #expect(configuration.requestTimeoutMilliseconds == 1_234)
        try properties.set("security.protocol=SSL")
        #expect(throws: ToolFailure.self) { try properties.apply(to: &configuration) }
        #expect(throws: ToolFailure.self) { try properties.set("no equals") }
    }
}
