import Primitives
import Testing
import World

@testable import BrokerServer

@Suite struct ContainerConfigurationTests {
    private func container(
        _ variables: [String: String], arguments: [String] = [], file: String? = nil
    ) throws -> ContainerConfiguration {
        try ContainerConfiguration(
            ContainerSurroundings(variables: variables, arguments: arguments, mountedFile: file, hostName: "box"))
    }

    private func node(_ container: ContainerConfiguration) throws -> NodeConfiguration {
        try NodeConfiguration(Settings(container.properties))
    }

    /// A node of the three-node file of the tutorial.
    private let tutorial = [
        "KAFKA_NODE_ID": "2", "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@kafka1:9093,2@kafka2:9093,3@kafka3:9093",
        "KAFKA_LISTENERS": "PLAINTEXT://kafka2:9092,CONTROLLER://kafka2:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER", "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
    ]

    @Test("without anything it is one node, as Kafka's image is, with its data on the volume")
    func bare() throws {
        var container = try container(["PATH": "/bin", "KAFKA_HEAP_OPTS": "-Xmx1g"])
        container.completeClusterID(directoriesAreFormatted: false)
        let node = try node(container)
        #expect(node.nodeID.value == 1)
        #expect(node.isBroker && node.isController)
        #expect(node.advertisedListeners.map { "\($0.name)://\($0.endpoint)" } == ["PLAINTEXT://localhost:9092"])
        #expect(node.controllerListeners.map(\.endpoint.port) == [9093])
        #expect(node.voters.map(\.id) == [node.nodeID])
        #expect(node.logDirectories == ["/var/lib/kafka/data"])
        #expect(node.clusterID == "5L6g3nShT-eMCtK--X86sw")
        #expect(container.properties["offsets.topic.replication.factor"] == "1")
        #expect(
            container.remarks == [
                "Without meaning here, ignored: KAFKA_HEAP_OPTS",
                "CLUSTER_ID not set. Setting it to default value: \"5L6g3nShT-eMCtK--X86sw\"",
            ])
    }

    @Test("one variable does not throw the other defaults away, but in strict mode")
    func defaultsStay() throws {
        let lenient = try container(["KAFKA_NUM_PARTITIONS": "3"])
        #expect(try node(lenient).settings.integer("num.partitions") == 3)
        #expect(lenient.properties["advertised.listeners"] == "PLAINTEXT://localhost:9092")
        let strict = try container(["KAFKA_NUM_PARTITIONS": "3", "MARTLET_STRICT": "true"])
        #expect(strict.properties.keys == ["num.partitions"])
    }

    @Test("the file comes first, variables override it, arguments override both")
    func precedence() throws {
        let file = "node.id=7\nnum.partitions=1\nlog.dirs=/d\nlog.segment.bytes=2048\nprocess.roles=broker,controller\n"
        let container = try container(
            ["KAFKA_NUM_PARTITIONS": "2", "KAFKA_CFG_NUM_PARTITIONS": "9", "KAFKA_CFG_LOG_SEGMENT_BYTES": "4096"],
            arguments: ["KAFKA_NODE_ID=8"], file: file)
        #expect(container.properties["node.id"] == "8")
        #expect(container.properties["num.partitions"] == "2")
        #expect(container.properties["log.segment.bytes"] == "4096")
        #expect(container.properties["log.dirs"] == "/d")
    }

    @Test("values are taken verbatim, empty ones too")
    func verbatim() throws {
        let container = try container(["KAFKA_BROKER_RACK": " a b ", "KAFKA_LOG_CLEANUP_POLICY": ""])
        #expect(container.properties["broker.rack"] == " a b ")
        #expect(container.properties["log.cleanup.policy"] == "")
    }

    @Test("D2, D4, D5: listeners alone are advertised as they are, and brokers use PLAINTEXT among themselves")
    func tutorialNode() throws {
        var container = try container(tutorial)
        container.completeClusterID(directoriesAreFormatted: false)
        #expect(container.properties["advertised.listeners"] == nil)
        let node = try node(container)
        #expect(node.advertisedListeners.map(\.endpoint.description) == ["kafka2:9092"])
        #expect(node.interBrokerListenerName == "PLAINTEXT")
        #expect(node.clusterID == "MkU3OEVBNTcwNTJENDM2Qk")
        #expect(container.properties["offsets.topic.replication.factor"] == nil)
        #expect(container.remarks.isEmpty)
    }

    @Test("D11: internal topics of three nodes are kept three times")
    func internalTopics() throws {
        #expect(try node(container(tutorial)).settings.integer("offsets.topic.replication.factor") == 3)
    }

    @Test(
        "listeners follow from what is advertised, with every host replaced",
        arguments: [
            (
                ["KAFKA_PROCESS_ROLES": "broker", "KAFKA_ADVERTISED_LISTENERS": "A://h:1,B://localhost:2"],
                "A://0.0.0.0:1,B://0.0.0.0:2"
            ),
            (
                ["KAFKA_PROCESS_ROLES": "broker,controller", "KAFKA_ADVERTISED_LISTENERS": "A://h:1"],
                "A://0.0.0.0:1,CONTROLLER://:9093"
            ),
            (
                [
                    "KAFKA_NODE_ID": "2", "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@a:19093,2@b:29093",
                    "KAFKA_ADVERTISED_LISTENERS": "A://h:1", "KAFKA_CONTROLLER_LISTENER_NAMES": "C",
                ], "A://0.0.0.0:1,C://:29093"
            ), (["KAFKA_PROCESS_ROLES": "controller"], "CONTROLLER://:9093"),
            (["KAFKA_PROCESS_ROLES": "broker"], "PLAINTEXT://:9092"),
            (
                ["KAFKA_PROCESS_ROLES": "broker", "MARTLET_STRICT": "true", "KAFKA_ADVERTISED_LISTENERS": "A://h:1"],
                "A://0.0.0.0:1"
            ),
            (
                [
                    "KAFKA_LISTENERS": "PLAINTEXT://kafka1:9092,CONTROLLER://kafka1:9093",
                    "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://kafka1:9092,HOST://localhost:29092",
                ], "PLAINTEXT://kafka1:9092,CONTROLLER://kafka1:9093,HOST://0.0.0.0:29092"
            ),
            (["KAFKA_LISTENERS": "PLAINTEXT://:9092"], "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ])
    func derivedListeners(_ variables: [String: String], _ listeners: String) throws {
        #expect(try container(variables).properties["listeners"] == listeners)
    }

    @Test(
        "a listener on all addresses is advertised by a name that others can use",
        arguments: [
            (["KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093"], "PLAINTEXT://box:9092"),
            (["KAFKA_LISTENERS": "A://0.0.0.0:1,B://h:2,CONTROLLER://:9093"], "A://box:1,B://h:2"),
            (["KAFKA_NUM_PARTITIONS": "1"], "PLAINTEXT://localhost:9092"),
            (["KAFKA_PROCESS_ROLES": "broker"], "PLAINTEXT://box:9092"),
            (["KAFKA_LISTENERS": "A://h:2,CONTROLLER://:9093"], nil), (["KAFKA_PROCESS_ROLES": "controller"], nil),
        ])
    func derivedAdvertisements(_ variables: [String: String], _ advertised: String?) throws {
        #expect(try container(variables).properties["advertised.listeners"] == advertised)
    }

    @Test(
        "what Kafka's images refuse is refused in their words",
        arguments: [
            (
                ["KAFKA_PROCESS_ROLES": "controller", "KAFKA_ADVERTISED_LISTENERS": "A://h:1"],
                "KAFKA_ADVERTISED_LISTENERS is not supported on a KRaft controller."
            ),
            (
                ["KAFKA_ADVERTISED_HOST_NAME": "h"],
                "advertised.host.name is deprecated. Please use KAFKA_ADVERTISED_LISTENERS instead."
            ),
        ])
    func refusals(_ variables: [String: String], _ text: String) {
        #expect(throws: ConfigurationError(text)) { try container(variables) }
    }

    @Test("ZooKeeper alone is refused with what to set instead")
    func zooKeeper() {
        #expect {
            try container(["KAFKA_ZOOKEEPER_CONNECT": "zookeeper:2181"])
        } throws: {
            "\($0)".contains("KAFKA_PROCESS_ROLES")
        }
    }

    @Test("an argument that is not KEY=VALUE is refused", arguments: ["KAFKA_NODE_ID", "=1"])
    func arguments(_ argument: String) {
        #expect(throws: ConfigurationError.self) { try container([:], arguments: [argument]) }
    }

    @Test("a formatted directory knows its cluster better than the default")
    func formatted() throws {
        var container = try container([:])
        container.completeClusterID(directoriesAreFormatted: true)
        #expect(container.properties["cluster.id"] == nil)
    }

    @Test("Testcontainers: what its class sets makes a node, with and without voters")
    func testcontainers() throws {
        var variables = [
            "CLUSTER_ID": "4L6g3nShT-eMCtK--X86sw",
            "KAFKA_LISTENERS": "PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER", "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_NODE_ID": "1", "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LOG_FLUSH_INTERVAL_MESSAGES": "9223372036854775807",
            "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://localhost:32768,BROKER://box:9093",
        ]
        #expect(try node(container(variables)).interBrokerListenerName == "BROKER")
        variables["KAFKA_CONTROLLER_QUORUM_VOTERS"] = "1@localhost:9094"
        let node = try node(container(variables))
        #expect(node.voters.count == 1)
        #expect(node.advertisedListeners.map(\.endpoint.description) == ["localhost:32768", "box:9093"])
    }

    @Test("Kafka 4's own file, which names its one controller as bootstrap server, makes a quorum of one")
    func ownBootstrapServer() throws {
        let file =
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=localhost:9093\n"
            + "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER\n"
        #expect(try node(container([:], file: file)).voters.map(\.id.value) == [1])
        let joining = try node(container(["KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS": "other:9093"]))
        #expect(joining.bootstrapServers == [Endpoint(host: "other", port: 9093)])
    }

    @Test("log4j's variables set the levels, unless the keys are given")
    func levels() throws {
        let variables = ["KAFKA_LOG4J_ROOT_LOGLEVEL": "WARN", "KAFKA_LOG4J_LOGGERS": "kafka.controller=DEBUG"]
        let container = try container(variables)
        #expect(container.properties["log.level"] == "WARN")
        #expect(container.properties["log.levels"] == "kafka.controller=DEBUG")
        let given = try self.container(variables.merging(["KAFKA_LOG_LEVEL": "error"]) { $1 })
        #expect(given.properties["log.level"] == "error")
    }

    @Test("what is written for people to read reads back the same")
    func text() {
        var file = PropertiesFile()
        file["a b:=#"] = " x\\y\n=z "
        file["#k"] = "ü, ok"
        #expect(PropertiesFile(parsing: file.text) == file)
    }
}
