import Testing
import World

@testable import BrokerServer

/// What a node in a container sees of its surroundings and says of them.
@Suite struct ContainerSightTests {
    private let volumes = "/var/lib/docker/volumes"
    private let unnamed = String(repeating: "0a", count: 32)

    private func mounts(_ line: String) -> MountTable {
        MountTable(
            parsing: "1 0 0:52 / / rw,relatime - overlay overlay rw\n2 1 0:55 / /proc rw - proc proc rw\n\(line)\n")
    }

    @Test("D9: data without a volume, on one without a name, or in memory is at risk; a named one is safe")
    func volumeRisk() {
        let directory = "/var/lib/kafka/data"
        #expect(mounts("").risk(of: directory)?.contains("is not on a volume") == true)
        #expect(
            mounts("3 1 8:1 \(volumes)/\(unnamed)/_data \(directory) rw master:1 - ext4 /dev/sda1 rw").risk(
                of: directory)?
                .contains("without a name") == true)
        #expect(mounts("3 1 0:9 / \(directory) rw - tmpfs tmpfs rw").risk(of: directory)?.contains("memory") == true)
        #expect(mounts("3 1 8:1 \(volumes)/data/_data \(directory) rw - ext4 /dev/sda1 rw").risk(of: directory) == nil)
        #expect(mounts("3 1 8:1 /home/me/data \(directory) rw - ext4 /dev/sda1 rw").risk(of: directory + "/x") == nil)
        #expect(mounts("3 1 8:1 /home/me/data \(directory) rw - ext4 /dev/sda1 rw").risk(of: directory + "2") != nil)
    }

    private func advice(_ lines: String) throws -> [String] {
        let base = "process.roles=broker,controller\nnode.id=1\n"
        let settings = try Settings(PropertiesFile(parsing: base + lines))
        return try ContainerAdvice(NodeConfiguration(settings), hostName: "kafka1").sentences
    }

    @Test("D3, D6: a node that binds and advertises its container's name says what to add, once each")
    func tutorialNode() throws {
        let sentences = try advice("listeners=PLAINTEXT://kafka1:9092,CONTROLLER://kafka1:9093")
        #expect(sentences.count == 2)
        #expect(sentences[0].contains("answers at kafka1 only"))
        #expect(sentences[1].contains("KAFKA_OUTSIDE_ADVERTISED_ADDRESS: localhost:9092"))
    }

    @Test("a listener for the host, or an outside address, needs no advice")
    func content() throws {
        let listeners = "listeners=A://:19092,HOST://:9092,CONTROLLER://:9093\n"
        #expect(try advice(listeners + "advertised.listeners=A://kafka1:19092,HOST://localhost:9092").isEmpty)
        #expect(
            try advice(
                "listeners=A://:19092,CONTROLLER://:9093\nadvertised.listeners=A://kafka1:19092\n"
                    + "outside.advertised.address=localhost:29092"
            ).isEmpty)
    }

    @Test("localhost advertised to peers on other hosts is pointed out")
    func localPeers() throws {
        let sentences = try advice(
            "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\nadvertised.listeners=PLAINTEXT://localhost:9092\n"
                + "controller.quorum.voters=1@kafka1:9093,2@kafka2:9093,3@kafka3:9093")
        #expect(sentences.count == 1)
        #expect(sentences[0].contains("the other nodes can't reach this one there"))
    }

    @Test("the networks of the container are inside, their gateways are not")
    func routes() {
        let text = """
            Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
            eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
            eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
            """
        #expect(RouteTable(parsing: text).insideNetworks == "172.18.0.0/16,!172.18.0.1")
    }

    private func outside(_ lines: String) throws -> OutsideClients? {
        try OutsideClients(Settings(PropertiesFile(parsing: lines)))
    }

    @Test(
        "who comes through the gateway or from elsewhere is outside",
        arguments: [
            ("172.18.0.1", true), ("172.18.0.4", false), ("::ffff:172.18.0.1", true), ("::ffff:172.18.0.4", false),
            ("192.168.1.7", true), ("127.0.0.1", false), ("fe80::1", false),
        ])
    func outsideHosts(_ host: String, _ isOutside: Bool) throws {
        let clients = try outside(
            "outside.advertised.address=localhost:9093\ninside.networks=172.18.0.0/16,!172.18.0.1")
        #expect(clients?.address.description == "localhost:9093")
        #expect(clients?.contains(host) == isOutside)
    }

    @Test("an outside address must be one, and a network too")
    func badOutside() throws {
        #expect(try outside("num.partitions=1") == nil)
        #expect(throws: ConfigurationError.self) { try outside("outside.advertised.address=localhost") }
        #expect(throws: ConfigurationError.self) { try outside("outside.advertised.address=:9092") }
        #expect(throws: ConfigurationError.self) {
            try outside("outside.advertised.address=h:1\ninside.networks=1.2.3/8")
        }
    }
}
