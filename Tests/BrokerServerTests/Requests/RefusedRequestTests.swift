import Primitives
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("What is no request ends its connection")
struct RefusedRequestTests {
    typealias Connection = ConnectionUnderTest

    private func patched(_ frame: Bytes, key: Int16? = nil, version: Int16? = nil) -> Bytes {
        let copy = Bytes(frame.array)
        if let key { copy.patch(key, at: 0) }
        if let version { copy.patch(version, at: 2) }
        return copy
    }

    @Test("A4: an unknown API key, or one without a handler, closes", arguments: [-1, 4, 92, 93, 999, .max] as [Int16])
    func unknownAPI(key: Int16) {
        let client = ConnectionUnderTest()
        client.receive(patched(Connection.metadata(1), key: key))
        #expect(client.link.isClosed)
    }

    @Test("A4: an unsupported version closes", arguments: [-1, 14, .max] as [Int16])
    func unsupportedVersion(version: Int16) {
        let client = ConnectionUnderTest()
        client.receive(patched(Connection.metadata(1), version: version))
        #expect(client.link.isClosed)
        #expect(client.metadata.count == 0)
    }

    @Test("Produce 0 to 2 are refused though ApiVersions lists them", arguments: 0...2 as ClosedRange<Int16>)
    func oldProduce(version: Int16) {
        let client = ConnectionUnderTest()
        client.receive(patched(Connection.produce(1), version: version))
        #expect(client.link.isClosed)
    }

    @Test("A controller's API is unknown on a client's listener, and the other way round")
    func wrongListener() {
        let vote = Connection.frame(VoteRequest(), version: 2, 1)
        let broker = ConnectionUnderTest(kind: .client)
        broker.receive(vote)
        #expect(broker.link.isClosed)
        let controller = ConnectionUnderTest(kind: .controller)
        controller.receive(vote)
        #expect(!controller.link.isClosed)
        controller.receive(Connection.metadata(2))
        #expect(controller.link.isClosed)
    }

    @Test("A3, A6, A7: a request cut short at any byte, or with bytes left over, closes and reaches no handler")
    func malformed() {
        var request = MetadataRequest()
        request.topics = ["first", "second"].map { name in
            var topic = MetadataRequest.MetadataRequestTopic()
            topic.name = name
            return topic
        }
        let whole = Connection.frame(request, version: 12, 1)
        for count in 0..<whole.count {
            let client = ConnectionUnderTest()
            client.receive(whole[0..<count])
            #expect(client.link.isClosed)
            #expect(client.metadata.count == 0)
        }
        let client = ConnectionUnderTest()
        client.receive(Bytes(whole.array + [0]))
        #expect(client.link.isClosed)
        #expect(client.metadata.count == 0)
    }

    @Test("librdkafka's null of four bytes for all topics is read as one of one byte")
    func wideNull() {
        var request = MetadataRequest()
        request.topics = nil
        request.allowAutoTopicCreation = true
        let frame = Connection.frame(request, version: 13, 1).array
        // The body: null, two flags and the tagged fields.
        let client = ConnectionUnderTest()
        client.receive(Bytes(frame.dropLast(4) + [0, 0, 0] + frame.suffix(4)))
        #expect(!client.link.isClosed)
        #expect(client.metadata.count == 1)
    }

    @Test("After a refusal nothing more is taken in")
    func nothingMore() {
        let client = ConnectionUnderTest()
        client.receive(Connection.produce(1), patched(Connection.metadata(2), key: 999), Connection.produce(3))
        #expect(client.link.isClosed)
        #expect(client.produce.count == 1)
    }
}
