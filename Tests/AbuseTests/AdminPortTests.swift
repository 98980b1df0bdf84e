import BrokerServer
import Glibc
import Primitives
import Testing
import WireMessages

/// The admin port of a whole node: what it tells, and what bad input does to it (nothing to anybody else).
@Suite("The admin port of a whole node", .serialized)
struct AdminPortTests {
    private static let settings = ["admin.listener=127.0.0.1:0"]

    private func value(_ series: String, in page: String) -> Double? {
        page.split(separator: "\n").first { $0.hasPrefix(series + " ") }
            .flatMap { Double($0.dropFirst(series.count + 1)) }
    }

    @Test("Metrics, health and readiness are told, and the counters move with the traffic")
    func tells() throws {
        let node = try WholeNode(settings: Self.settings)
        let admin = RawClient(port: node.adminPort)
        #expect(admin.get("/healthz")?.body == "ok\n")
        #expect(admin.get("/readyz")?.body == "ready\n")
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("metered") == .noError)
        for _ in 0..<3 { #expect(try client.produce(Batches.plain(), to: "metered")?.errorCode == .noError) }
        let answer = try #require(admin.get("/metrics"))
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        let page = answer.body
        let batch = Batches.plain().count
        #expect(value("kafka_server_brokertopicmetrics_bytesin_total", in: page) == Double(3 * batch))
        #expect(
            value("kafka_server_brokertopicmetrics_bytesin_total{topic=\"metered\"}", in: page) == Double(3 * batch))
        #expect(value("kafka_server_replicamanager_leadercount", in: page) == 1)
        #expect(value("kafka_server_replicamanager_underreplicatedpartitions", in: page) == 0)
        #expect(value("kafka_controller_kafkacontroller_activecontrollercount", in: page) == 1)
        #expect(value("kafka_controller_kafkacontroller_globaltopiccount", in: page) == 1)
        #expect(value("kafka_server_kafkaserver_brokerstate", in: page) == 3)
        // The client asked again while the partition had no leader yet.
        let produces = "kafka_network_requestmetrics_requests_total{request=\"Produce\",listener=\"PLAINTEXT\"}"
        #expect(value(produces, in: page) ?? 0 >= 3)
        #expect(value("martlet_network_requests_in_flight{listener=\"PLAINTEXT\"}", in: page) == 0)
        #expect(page.contains("kafka_server_raftmetrics_current_state{current_state=\"leader\"} 1\n"))
        try node.stop()
    }

    @Test("Refused requests and connections are counted by their cause")
    func countsRefusals() throws {
        let node = try WholeNode(settings: Self.settings)
        let admin = RawClient(port: node.adminPort)
        let bad = RawClient(port: node.port)
        bad.send(lengthPrefix(-5))
        #expect(bad.isClosedByServer)
        let worse = RawClient(port: node.port)
        worse.send(framed([0, 3, 0, 12]))
        #expect(worse.isClosedByServer)
        let page = try #require(admin.get("/metrics")?.body)
        let name = "martlet_network_requests_refused_total"
        #expect(value("\(name){listener=\"PLAINTEXT\",cause=\"bad_frame\"}", in: page) == 1)
        #expect(value("\(name){listener=\"PLAINTEXT\",cause=\"malformed\"}", in: page) == 1)
        try node.stop()
    }

    @Test("A level that is set at the port is told there")
    func setsLevels() throws {
        let node = try WholeNode(settings: Self.settings)
        let admin = RawClient(port: node.adminPort)
        admin.send(Array("PUT /loggers/kafka.server HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\ntrace".utf8))
        #expect(admin.httpAnswer()?.body == "TRACE\n")
        #expect(admin.get("/loggers")?.body.contains("kafka.server.ReplicaManager=TRACE\n") == true)
        admin.send(Array("PUT /loggers/nobody HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\ntrace".utf8))
        #expect(admin.httpAnswer()?.status == 404)
        try node.stop()
    }

    @Test("Bad HTTP costs its sender the connection, and nobody else anything")
    func survivesBadInput() throws {
        let node = try WholeNode(settings: Self.settings)
        let traffic = try GoodTraffic(port: node.port)
        let before = AbusedServer.residentBytes
        let megabyte = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for start in ["GET / HTTP/1.1\r\nX: ", "", "GET /", "\r\n\r\n\r\n", "\u{16}\u{3}\u{1}"] {
            let client = RawClient(port: node.adminPort)
            client.send(Array(start.utf8))
            for _ in 0..<4 { client.send(megabyte) }
            client.endSending()
            if let answer = client.httpAnswer() { #expect((400..<500).contains(answer.status)) }
        }
        // Everybody's favourite: a Kafka client on the wrong port.
        let kafka = RawClient(port: node.adminPort)
        kafka.send(RawClient.request(MetadataRequest(), version: 12, 1))
        kafka.endSending()
        _ = kafka.isClosedByServer
        // A machine that runs everything else beside this may hold the node up for a moment.
        var page = RawClient(port: node.adminPort).get("/readyz")
        for _ in 0..<100 where page?.status != 200 {
            usleep(50_000)
            page = RawClient(port: node.adminPort).get("/readyz")
        }
        #expect(page?.status == 200, "\(String(describing: page))")
        #expect(AbusedServer.residentBytes - before < 64 << 20)
        traffic.expectUnharmed()
        try node.stop()
    }

    @Test("More connections than there are places are turned away, and the places are free again afterwards")
    func boundsConnections() throws {
        let node = try WholeNode(settings: Self.settings)
        var clients = (0..<AdminListener.connectionsMax).map { _ in RawClient(port: node.adminPort) }
        for client in clients { #expect(client.get("/healthz")?.status == 200) }
        let late = RawClient(port: node.adminPort)
        #expect(late.isClosedByServer)
        #expect(clients[0].get("/metrics")?.body.contains("martlet_admin_connections_turned_away_total 1\n") == true)
        clients = []
        var isServed = false
        // The server learns of each close in its own time.
        for _ in 0..<200 where !isServed { isServed = RawClient(port: node.adminPort).get("/healthz")?.status == 200 }
        #expect(isServed)
        try node.stop()
    }
}
