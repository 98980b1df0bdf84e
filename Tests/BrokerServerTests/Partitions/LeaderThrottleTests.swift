import Primitives
import Replication
import Testing
import WireMessages
import WireProtocol

@testable import BrokerServer

@Suite("What leaders send to throttled replicas")
struct LeaderThrottleTests {
    private func bytes(_ answer: WholeAnswer<FetchResponse>) throws -> Int {
        let part = try #require(answer.required().responses.first?.partitions.first)
        #expect(part.errorCode == .noError)
        return part.records?.count ?? 0
    }

    private func broker(inSync: [Int32], throttled: String) throws -> PartitionsUnderTest {
        let broker = try PartitionsUnderTest(
            replicas: [1, 2], inSync: inSync, configs: ["leader.replication.throttled.replicas": throttled])
        broker.table.services.throttles.leaders.limit(bytesPerSecond: 10, over: .standard)
        _ = try broker.produce(PartitionsUnderTest.batch(10), acks: 1)
        return broker
    }

    @Test(
        "A replica out of sync gets nothing while the rate is exceeded, by a list or by a star",
        arguments: ["0:1", "*"])
    func outOfSync(throttled: String) throws {
        let broker = try broker(inSync: [1], throttled: throttled)
        #expect(try bytes(broker.fetch(at: 0, follower: 2, epoch: 3)) > 0)
        let waiting = try broker.fetch(at: 0, follower: 2, epoch: 3)
        #expect(waiting.response == nil)
        // More records are no reason to answer.
        _ = try broker.produce(PartitionsUnderTest.batch(10), acks: 1)
        #expect(waiting.response == nil)
        broker.loop.pass(milliseconds: 502)
        #expect(try bytes(waiting) == 0)
        // Consumers are not concerned.
        #expect(try bytes(broker.fetch(at: 0, epoch: 3)) > 0)
        broker.loop.pass(milliseconds: 11_000)
        #expect(try bytes(broker.fetch(at: 0, follower: 2, epoch: 3)) > 0)
    }

    @Test("A replica in sync, and one that the topic does not name, are never held back", arguments: ["*", "0:3,1:1"])
    func inSync(throttled: String) throws {
        let broker = try broker(inSync: throttled == "*" ? [1, 2] : [1], throttled: throttled)
        for _ in 0..<3 { #expect(try bytes(broker.fetch(at: 0, follower: 2, epoch: 3)) > 0) }
    }

    @Test("A throttle that is taken away holds no longer, and neither does a list")
    func takenAway() throws {
        let broker = try broker(inSync: [1], throttled: "0:1")
        _ = try broker.fetch(at: 0, follower: 2, epoch: 3)
        #expect(try broker.fetch(at: 0, follower: 2, epoch: 3).response == nil)
        broker.table.services.throttles.leaders.limit(bytesPerSecond: .max, over: .standard)
        #expect(try bytes(broker.fetch(at: 0, follower: 2, epoch: 3)) > 0)
        broker.table.services.throttles.leaders.limit(bytesPerSecond: 10, over: .standard)
        #expect(try broker.fetch(at: 0, follower: 2, epoch: 3).response == nil)
        try broker.configure("leader.replication.throttled.replicas", "")
        #expect(try bytes(broker.fetch(at: 0, follower: 2, epoch: 3)) > 0)
    }
}
