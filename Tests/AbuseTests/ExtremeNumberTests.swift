import MessageForge
import Primitives
import Testing
import WireDefinitions
import WireMessages
import WireProtocol

/// Case A18: every number of every request at the ends of its range.
@Suite("No number of a request stops a node", .serialized)
struct ExtremeNumberTests {
    private static let values: [Int64] = [.min, .max, -1, 0, 1, -2]

    /// What texts of a request name, where it matters that it exists.
    private static func names(_ topic: String) -> [String: String] {
        ["name": topic, "topic": topic, "topicName": topic, "groupID": "g", "group": "g", "key": "g", "memberID": ""]
    }

    /// Sends one request with each of its numbers in turn at each extreme.
    ///
    /// - Returns: how many were sent.
    private func tryAll(_ entry: MessageCatalog.Entry, key: Int, version: Int, port: Int, topic: String) -> Int {
        var sent = 0
        var client = RawClient(port: port)
        client.setPatience(milliseconds: 40)
        var place = 0
        while true {
            for value in ExtremeNumberTests.values {
                var values = OneExtreme(place: place, value: value, names: ExtremeNumberTests.names(topic))
                let body = DefinitionEncoder.encode(
                    entry.message, of: entry.definition, version: version, values: &values)
                guard values.numbers > place else { return sent }
                client.send(RawClient.frame(key: key, version: version, isFlexible: entry.isFlexible(version), body))
                sent += 1
                // A request may wait as long as it asks for; its connection ends then, and it with it.
                if client.answer() == nil {
                    client = RawClient(port: port)
                    client.setPatience(milliseconds: 40)
                }
            }
            place += 1
        }
    }

    private func requests(on port: Int) throws -> [(key: Int, versions: ClosedRange<Int>)] {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = "raw"
        request.clientSoftwareVersion = "1"
        let answer = try #require(try RawClient(port: port).ask(request, version: 3))
        return answer.apiKeys.map { (Int($0.apiKey), Int($0.minVersion)...Int($0.maxVersion)) }
    }

    @Test("A18: clients' requests at their extremes are answered or closed, and others are served")
    func clients() throws {
        let node = try WholeNode(settings: ["max.connection.creation.rate=100000", "auto.create.topics.enable=false"])
        // Elections are among the requests: a batch may be answered late and sent again.
        let good = try GoodTraffic(port: node.port, mayRepeat: true)
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("numbers") == .noError)
        #expect(try client.produce(Batches.plain(), to: "numbers")?.errorCode == .noError)
        var sent = 0
        for (key, versions) in try requests(on: node.port) {
            let entry = try #require(MessageCatalog.requests[key])
            // Produce is listed from a version that is not served.
            let oldest = max(versions.lowerBound, entry.definition.versions.lowerBound)
            for version in Set([oldest, versions.upperBound]).sorted() {
                sent += tryAll(entry, key: key, version: version, port: node.port, topic: "numbers")
            }
            #expect(client.isServed(Int32(key)), "after \(entry.message.name)")
        }
        #expect(sent > 500)
        good.expectUnharmed()
        try node.stop()
    }

    @Test("A18: nodes' requests at their extremes leave the controller's process standing")
    func controllers() throws {
        let node = try WholeNode()
        var sent = 0
        for (key, versions) in try requests(on: node.controllerPort) {
            let entry = try #require(MessageCatalog.requests[key])
            sent += tryAll(
                entry, key: key, version: versions.upperBound, port: node.controllerPort, topic: "__cluster_metadata")
        }
        #expect(sent > 100)
        // Whoever may speak to a controller may depose it; it still answers.
        #expect(try !requests(on: node.controllerPort).isEmpty)
        try node.stop()
    }
}

extension MessageCatalog.Entry {
    func isFlexible(_ version: Int) -> Bool { definition.firstFlexible.map { version >= $0 } ?? false }
}
