import Primitives
import Testing
import WireMessages
import World

@testable import BrokerServer

@Suite("Requests of a connection keep their order")
struct RequestOrderTests {
    typealias Connection = ConnectionUnderTest

    @Test("Produce requests overlap, and their answers leave in order")
    func produceOverlaps() {
        let client = ConnectionUnderTest()
        client.receive(Connection.produce(1), Connection.produce(2), Connection.produce(3))
        #expect(client.produce.count == 3)
        client.loop.run { [produce = client.produce] in produce.take(2)(ProduceResponse()) }
        #expect(client.takeAnswers() == [])
        client.loop.run { [produce = client.produce] in produce.take(0)(ProduceResponse()) }
        #expect(client.takeAnswers() == [1])
        client.loop.run { [produce = client.produce] in produce.take(0)(ProduceResponse()) }
        #expect(client.takeAnswers() == [2, 3])
    }

    @Test("Any other request starts when all before it are answered, and what follows starts after it")
    func barrier() {
        let client = ConnectionUnderTest()
        client.receive(
            Connection.produce(1), Connection.metadata(2), Connection.metadata(3), Connection.produce(4),
            Connection.produce(5))
        #expect((client.produce.count, client.metadata.count) == (1, 0))
        client.loop.run { [produce = client.produce] in produce.take()(ProduceResponse()) }
        #expect((client.produce.count, client.metadata.count) == (0, 1))
        client.loop.run { [metadata = client.metadata] in metadata.take()(MetadataResponse()) }
        #expect((client.produce.count, client.metadata.count) == (0, 1))
        client.loop.run { [metadata = client.metadata] in metadata.take()(MetadataResponse()) }
        #expect((client.produce.count, client.metadata.count) == (2, 0))
        #expect(client.takeAnswers() == [1, 2, 3])
    }

    /// Waits for something that does not happen.
    private final class Waiting: WaitingRequest {
        let parked: ParkedReplies<MetadataResponse>

        init(_ parked: ParkedReplies<MetadataResponse>) { self.parked = parked }

        func hasten() { parked.take()(MetadataResponse()) }
    }

    @Test("One that waits for something is answered when another comes behind it, and that one starts")
    func hastened() {
        let client = ConnectionUnderTest()
        client.receive(Connection.metadata(1))
        client.identity.waits(Waiting(client.metadata))
        #expect(client.takeAnswers() == [])
        client.receive(Connection.metadata(2))
        #expect(client.takeAnswers() == [1])
        #expect(client.metadata.count == 1, "the second is being answered")
        client.receive(Connection.metadata(3))
        #expect(client.takeAnswers() == [], "nobody said that the second waits")
        client.answerMetadata(MetadataResponse())
        #expect(client.takeAnswers() == [2])
    }

    @Test("A request without an answer lets the next one pass")
    func withoutAnswer() {
        let client = ConnectionUnderTest()
        client.receive(Connection.produce(1), Connection.produce(2))
        client.loop.run { [produce = client.produce] in produce.take(1)(ProduceResponse()) }
        client.loop.run { [produce = client.produce] in produce.take().nothing() }
        #expect(client.takeAnswers() == [2])
        #expect(!client.link.isClosed)
    }

    @Test("An answer may be given on any thread; it is sent on the connection's loop")
    func fromAnotherThread() {
        let client = ConnectionUnderTest()
        client.receive(Connection.metadata(1), Connection.metadata(2))
        client.metadata.take()(MetadataResponse())
        #expect(client.takeAnswers() == [])
        client.loop.run()
        #expect(client.takeAnswers() == [1])
        #expect(client.metadata.count == 1)
    }

    @Test("A reply that is dropped closes the connection after what is owed to earlier requests")
    func droppedReply() {
        let client = ConnectionUnderTest()
        client.receive(Connection.produce(1), Connection.produce(2), Connection.produce(3))
        client.loop.run { [produce = client.produce] in _ = produce.take(1) }
        #expect(!client.link.isClosed)
        client.loop.run { [produce = client.produce] in produce.take(0)(ProduceResponse()) }
        #expect(client.takeAnswers() == [1])
        #expect(client.link.isClosed)
        client.loop.run { [produce = client.produce] in produce.take(0)(ProduceResponse()) }
        #expect(client.takeAnswers() == [])
    }

    @Test("Beyond 64 requests the rest stays in the socket until some are answered")
    func requestBound() {
        let client = ConnectionUnderTest()
        for id in 1...63 { client.receive(Connection.produce(Int32(id))) }
        #expect(client.link.isReading)
        client.receive(Connection.produce(64))
        #expect(!client.link.isReading)
        client.loop.run { [produce = client.produce] in produce.take()(ProduceResponse()) }
        #expect(client.link.isReading)
    }

    @Test("Beyond the bound of bytes the rest stays in the socket; one larger request is served")
    func byteBound() {
        var limits = RequestLimits()
        limits.requestBytesMax = 1_000
        let client = ConnectionUnderTest(limits: limits)
        var request = ProduceRequest()
        request.transactionalID = String(repeating: "x", count: 5_000)
        client.receive(Connection.frame(request, version: 9, 1))
        #expect(client.produce.count == 1)
        #expect(!client.link.isReading)
        client.loop.run { [produce = client.produce] in produce.take()(ProduceResponse()) }
        #expect(client.link.isReading)
    }

    @Test("Nothing starts while the client does not take its answers")
    func congestion() {
        let client = ConnectionUnderTest()
        client.receive(Connection.metadata(1), Connection.metadata(2))
        client.link.queuedBytes = LinkQueue.highBytes + 1
        client.loop.run { [metadata = client.metadata] in
            let large = Bytes([UInt8](repeating: 1, count: LinkQueue.lowBytes))
            metadata.take().send(segments: [.bytes(large), .bytes(Bytes([2]))])
        }
        #expect(client.metadata.count == 0)
        client.link.queuedBytes = 0
        client.loop.run { [connection = client.connection] in connection.queueDrained() }
        #expect(client.metadata.count == 1)
    }

    @Test("An idle connection is closed, one whose request is unanswered is not")
    func idle() {
        let client = ConnectionUnderTest()
        client.loop.pass(milliseconds: 400_000)
        client.receive(Connection.metadata(1))
        client.loop.pass(milliseconds: 700_000)
        #expect(!client.link.isClosed)
        client.loop.run { [metadata = client.metadata] in metadata.take()(MetadataResponse()) }
        client.loop.pass(milliseconds: 1_001)
        #expect(client.link.isClosed)
    }
}
