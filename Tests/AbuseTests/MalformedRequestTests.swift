import BrokerServer
import Primitives
import Testing
import WireMessages
import WireProtocol

/// The cases of bad input that a connection meets before any handler does, each beside a client that is served.
@Suite("Bad input ends its own connection and no other", .serialized)
struct MalformedRequestTests {
    /// Runs `abuse` on fresh connections of a whole node while one client goes on producing and another is served
    /// before, between and after.
    private func withGoodClient(_ abuse: (() -> RawClient) throws -> Void) throws {
        let server = try WholeNode()
        let traffic = try GoodTraffic(port: server.port)
        let good = RawClient(port: server.port)
        var correlation: Int32 = 0
        try abuse {
            correlation += 1
            #expect(good.isServed(correlation))
            return RawClient(port: server.port)
        }
        #expect(good.isServed(correlation + 1))
        traffic.expectUnharmed()
        try server.stop()
    }

    @Test("A1: lengths below zero, above the limit, or too short for a header close")
    func lengths() throws {
        try withGoodClient { connect in
            for length in [-1, .min, 100 << 20 + 1, .max] as [Int32] {
                let client = connect()
                client.send(lengthPrefix(length) + [0, 3, 0, 1])
                #expect(client.isClosedByServer, "length \(length)")
            }
            for length in 0...9 {
                let client = connect()
                client.send(framed(Array(repeating: 0, count: length)))
                #expect(client.isClosedByServer, "length \(length)")
            }
        }
    }

    @Test("A2: a length that is only announced reserves no memory")
    func announced() throws {
        try withGoodClient { connect in
            let before = AbusedServer.residentBytes
            let clients = (0..<100).map { _ in connect() }
            for client in clients { client.send(lengthPrefix(100 << 20) + [0]) }
            #expect(connect().isServed(1))
            #expect(AbusedServer.residentBytes - before < 64 << 20)
        }
    }

    @Test("A3: a request that ends at any byte closes, whatever was before it")
    func truncated() throws {
        try withGoodClient { connect in
            let whole = RawClient.request(MetadataRequest(), version: 12, 5)
            for count in 0..<whole.count {
                let client = connect()
                #expect(client.isServed(1))
                client.send(Array(whole[..<count]))
                client.endSending()
                #expect(client.isClosedByServer, "\(count) bytes")
            }
        }
    }

    @Test("A4: unknown keys and versions close, but ApiVersions from the future has an answer")
    func unknown() throws {
        try withGoodClient { connect in
            for (key, version) in [(-1, 0), (93, 0), (.max, 0), (4, 0), (3, 14), (3, -1), (0, 2), (52, 0)]
                as [(Int16, Int16)]
            {
                let client = connect()
                var frame = RawClient.request(MetadataRequest(), version: 12, 5)
                frame.replaceSubrange(
                    4..<8,
                    with: [key, version].flatMap {
                        [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)]
                    })
                client.send(frame)
                #expect(client.isClosedByServer, "key \(key) version \(version)")
            }
            let client = connect()
            var frame = RawClient.request(ApiVersionsRequest(), version: 4, 5)
            frame[7] = 77
            client.send(frame)
            let answer = try #require(client.answer())
            let response = try ApiVersionsResponse.decode(answer[4..<answer.count], version: 0)
            #expect(response.errorCode == .unsupportedVersion)
            #expect(client.isServed(6))
        }
    }

    /// The body of Metadata 12 with this in place of its list of topics.
    private func metadata(topics: [UInt8], behind: [UInt8] = [1, 0, 0]) -> [UInt8] {
        let header: [UInt8] = [0, 3, 0, 12, 0, 0, 0, 5, 255, 255, 0]
        return framed(header + topics + behind)
    }

    @Test("A6: varints too long, null names, and text that is no UTF-8 close")
    func varintsAndText() throws {
        try withGoodClient { connect in
            let topicID = [UInt8](repeating: 0, count: 16)
            let bad: [(String, [UInt8])] = [
                ("varint of 6 bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 1]),
                ("varint above 32 bits", [0xFF, 0xFF, 0xFF, 0xFF, 0x1F]),
                ("not UTF-8", [2] + topicID + [3, 0xC3, 0x28, 0]),
                ("overlong UTF-8", [2] + topicID + [3, 0xC0, 0xAF, 0]),
                ("surrogate", [2] + topicID + [4, 0xED, 0xA0, 0x80, 0]),
            ]
            for (name, topics) in bad {
                let client = connect()
                client.send(metadata(topics: topics))
                #expect(client.isClosedByServer, "\(name)")
            }
        }
    }

    /// So many empty tagged fields, their tags ascending.
    private static func taggedFields(_ count: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        for tag in 0..<count {
            let parts: [UInt32] = [tag & 0x7F | 0x80, tag >> 7 & 0x7F | 0x80, tag >> 14 & 0x7F, 0]
            bytes += parts.map { UInt8($0) }
        }
        return bytes
    }

    @Test("A7: counts beyond the bytes, floods of tagged fields and bytes left over close, in bounded memory")
    func counts() throws {
        try withGoodClient { connect in
            let before = AbusedServer.residentBytes
            let count: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x07]
            let tags = MalformedRequestTests.taggedFields(1 << 20)
            let bad: [(String, [UInt8])] = [
                ("count beyond the bytes", metadata(topics: count)),
                (
                    "one byte for each element",
                    metadata(topics: [0x81, 0x80, 0x80, 0x04] + [UInt8](repeating: 0, count: 8 << 20))
                ),
                ("a million tagged fields", metadata(topics: [1], behind: [1, 0, 0x80, 0x80, 0x40] + tags)),
                ("a tag twice", metadata(topics: [1], behind: [1, 0, 2, 9, 0, 9, 0])),
                ("bytes left over", metadata(topics: [1], behind: [1, 0, 0, 0])),
            ]
            for (name, frame) in bad {
                let client = connect()
                client.send(frame)
                #expect(client.isClosedByServer, "\(name)")
            }
            #expect(AbusedServer.residentBytes - before < 96 << 20)
        }
    }

    @Test("A15: a hundred thousand pipelined requests are answered in order, in bounded memory")
    func pipelined() throws {
        try withGoodClient { connect in
            let before = AbusedServer.residentBytes
            let client = connect()
            for batch in 0..<100 {
                client.send(
                    (0..<1_000).flatMap { RawClient.request(ProduceRequest(), version: 9, Int32(batch * 1_000 + $0)) })
            }
            // acks=0 has no answer: the first is the one of the request behind them all.
            #expect(client.isServed(-7))
            #expect(AbusedServer.residentBytes - before < 64 << 20)
        }
    }

    @Test("A13: connections beyond the limit of one address are closed, those within are served")
    func connectionFlood() throws {
        var limits = RequestLimits()
        limits.connectionsPerAddressMax = 3
        let server = try AbusedServer(limits)
        let first = (0..<3).map { _ in RawClient(port: server.port) }
        #expect(first.allSatisfy { $0.isServed(1) })
        #expect(RawClient(port: server.port).isClosedByServer)
        #expect(first.allSatisfy { $0.isServed(2) })
        try server.stop()
    }
}
