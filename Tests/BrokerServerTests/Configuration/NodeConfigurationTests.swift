import Primitives
import Testing
import World

@testable import BrokerServer

@Suite struct NodeConfigurationTests {
    private static let whole = """
        process.roles=broker,controller
        node.id=2
        controller.quorum.voters=1@a:19091,2@b:19092,3@[::1]:19093
        listeners=PLAINTEXT://:9092,CONTROLLER://:19092
        advertised.listeners=PLAINTEXT://b:9092
        log.dirs=/x,/y
        """

    private func configuration(_ text: String) throws -> NodeConfiguration {
        try NodeConfiguration(Settings(PropertiesFile(parsing: text)))
    }

    private func changed(_ key: String, to value: String?) -> String {
        let kept = Self.whole.split(separator: "\n").filter { !$0.hasPrefix(key + "=") }.joined(separator: "\n")
        return value.map { "\(kept)\n\(key)=\($0)" } ?? kept
    }

    @Test("a combined node reads listeners, voters and directories")
    func combined() throws {
        let node = try configuration(Self.whole)
        #expect(node.nodeID == BrokerID(2))
        #expect(node.isBroker && node.isController)
        #expect(node.voters.map(\.endpoint.port) == [19091, 19092, 19093])
        #expect(node.voters[2].endpoint.host == "::1")
        #expect(node.clientListeners.map(\.name) == ["PLAINTEXT"])
        #expect(node.controllerListeners.map(\.endpoint.port) == [19092])
        #expect(node.advertisedListeners.map(\.endpoint) == [Endpoint(host: "b", port: 9092)])
        #expect(node.interBrokerListenerName == "PLAINTEXT")
        #expect(node.metadataLogDirectory == "/x")
    }

    @Test("an unset advertised listener on all addresses becomes localhost")
    func advertisedDefault() throws {
        let node = try configuration(changed("advertised.listeners", to: nil))
        #expect(node.advertisedListeners.map(\.endpoint) == [Endpoint(host: "localhost", port: 9092)])
    }

    @Test("a combined node that names no voters forms a quorum of itself")
    func soleVoter() throws {
        let node = try configuration(changed("controller.quorum.voters", to: nil))
        #expect(node.voters.map(\.id) == [BrokerID(2)])
        #expect(node.voters.map(\.endpoint) == [Endpoint(host: "localhost", port: 19092)])
    }

    @Test("a broker alone must name its voters")
    func brokerWithoutVoters() {
        #expect(throws: ConfigurationError.self) {
            try configuration("process.roles=broker\nnode.id=1\nlisteners=PLAINTEXT://:9092")
        }
    }

    @Test("broker.id stands in for node.id, and must not contradict it")
    func olderName() throws {
        #expect(try configuration(changed("node.id", to: nil) + "\nbroker.id=2").nodeID == BrokerID(2))
        #expect(throws: ConfigurationError.self) { try configuration(Self.whole + "\nbroker.id=3") }
    }

    @Test(
        "what contradicts itself is refused with a sentence that names the key",
        arguments: [
            ("node.id", nil, "node.id"), ("node.id", "7", "node.id=7"), ("process.roles", "zookeeper", "process.roles"),
            ("process.roles", "broker", "node.id=2"),
            ("controller.quorum.voters", "2@b", "controller.quorum.voters"),
            ("listeners", "PLAINTEXT://:9092", "listeners"), ("listeners", "PLAINTEXT:9092", "listeners"),
            ("listeners", "SSL://:9092,CONTROLLER://:19092", "listener SSL"),
            ("advertised.listeners", "PLAINTEXT://0.0.0.0:9092", "advertised.listeners"),
            ("advertised.listeners", "OTHER://b:9092", "advertised.listeners"),
        ] as [(String, String?, String)])
    func refused(_ key: String, _ value: String?, _ start: String) {
        #expect {
            try configuration(changed(key, to: value))
        } throws: { error in
            "\(error)".hasPrefix(start)
        }
    }
}
