import Primitives
import Replication
import Synchronization
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("Grouped flushes") struct GroupedFlushTests {
    /// A leader with follower 2 whose disk takes 0.4 ms for a flush, as far as it knows; one request waits for the
    /// follower, who has its record and is about to flush it.
    private func flushing(configs: [String: String] = [:], inSync: [Int32] = [1, 2]) throws -> (
        PartitionsUnderTest, WholeAnswer<ProduceResponse>
    ) {
        let broker = try PartitionsUnderTest(inSync: inSync, configs: configs)
        _ = try broker.fetch(at: 0, follower: 2, epoch: 3, maxWaitMilliseconds: 0, flushed: 0)
        let first = try broker.produce(PartitionsUnderTest.batch())
        #expect(try records(broker.fetch(at: 0, follower: 2, epoch: 3, flushed: 0)) > 0)
        try broker.partition.state.withLock { $0.group.flushTook(nanoseconds: 400_000) }
        return (broker, first)
    }

    /// The bytes of records that an answer brought.
    private func records(_ answer: WholeAnswer<FetchResponse>) throws -> Int {
        try answer.required().responses.first?.partitions.first?.records?.count ?? 0
    }

    private func flushedEnd(_ broker: PartitionsUnderTest) throws -> Offset {
        try #require(broker.partition.position).flushedEnd
    }

    @Test("What came during a flush goes out with the batch of the producer that the flush answers, in one answer")
    func oneGroup() throws {
        let (broker, first) = try flushing()
        let second = try broker.produce(PartitionsUnderTest.batch())
        #expect(try records(broker.fetch(at: 1, follower: 2, epoch: 3, maxWaitMilliseconds: 0, flushed: 0)) == 0)
        #expect(try flushedEnd(broker) == Offset(1))
        let fetched = try broker.fetch(at: 1, follower: 2, epoch: 3, flushed: 1)
        #expect(first.response != nil)
        #expect(fetched.response == nil)
        _ = try broker.produce(PartitionsUnderTest.batch())
        #expect(try records(fetched) == 2 * PartitionsUnderTest.batch().count)
        #expect(try flushedEnd(broker) == Offset(3))
        #expect(second.response == nil)
    }

    @Test("A producer that stops holds the others up for no longer than half a flush")
    func producerStops() throws {
        let (broker, _) = try flushing()
        let second = try broker.produce(PartitionsUnderTest.batch())
        let fetched = try broker.fetch(at: 1, follower: 2, epoch: 3, flushed: 1)
        #expect(fetched.response == nil)
        broker.loop.pass(milliseconds: 1)
        #expect(try records(fetched) == PartitionsUnderTest.batch().count)
        #expect(try flushedEnd(broker) == Offset(2))
        _ = try broker.fetch(at: 2, follower: 2, epoch: 3, flushed: 2)
        #expect(second.response != nil)
    }

    @Test("One batch after the other waits for nothing")
    func pingPong() throws {
        let (broker, _) = try flushing()
        for offset in Int64(1)...20 {
            let fetched = try broker.fetch(at: offset, follower: 2, epoch: 3, flushed: offset)
            #expect(fetched.response == nil)
            _ = try broker.produce(PartitionsUnderTest.batch())
            #expect(try records(fetched) > 0)
            #expect(try flushedEnd(broker) == Offset(offset + 1))
        }
    }

    @Test("Where a topic does not flush on acknowledgement nothing is held back")
    func unflushed() throws {
        let (broker, first) = try flushing(configs: ["flush.on.ack": "false"])
        _ = try broker.produce(PartitionsUnderTest.batch())
        #expect(try records(broker.fetch(at: 1, follower: 2, epoch: 3)) > 0)
        #expect(first.response != nil)
    }

    @Test("What is held back goes when the topic stops flushing on acknowledgement")
    func stopsFlushing() throws {
        let (broker, _) = try flushing()
        _ = try broker.produce(PartitionsUnderTest.batch())
        let fetched = try broker.fetch(at: 1, follower: 2, epoch: 3, flushed: 1)
        #expect(fetched.response == nil)
        try broker.configure("flush.on.ack", "false")
        #expect(try records(fetched) > 0)
    }

    @Test("A follower that has to catch up waits for no group")
    func catchesUp() throws {
        let (broker, _) = try flushing(inSync: [1])
        _ = try broker.produce(PartitionsUnderTest.batch())
        #expect(try records(broker.fetch(at: 0, follower: 2, epoch: 3, maxWaitMilliseconds: 0, flushed: 0)) > 0)
    }
}
