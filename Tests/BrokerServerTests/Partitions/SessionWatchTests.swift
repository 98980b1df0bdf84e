import Metadata
import Primitives
import Replication
import Synchronization
import Testing
import WireMessages

@testable import BrokerServer

/// Fetch sessions with many partitions: what they look at, and that they miss nothing.
@Suite("Sessions that watch") struct SessionWatchTests {
    private static let many = 200

    /// Opens a session on all partitions, at their ends.
    private func open(
        _ broker: PartitionsUnderTest, _ count: Int, follower: Int32? = nil, waits: Int32 = 0, epoch: Int32 = -1
    ) throws -> Int32 {
        let opened = try ask(broker, (0, 0), Array(0..<count), follower: follower, waits: waits, epoch: epoch)
        return try opened.required().sessionID
    }

    /// A request of a session that names so many partitions.
    private func ask(
        _ broker: PartitionsUnderTest, _ session: (Int32, Int32), _ named: [Int] = [], at offset: Int64 = 0,
        follower: Int32? = nil, waits: Int32 = 0, forgotten: [Int] = [], epoch: Int32 = -1, brokerEpoch: Int64? = nil,
        maxBytes: Int32 = 1 << 20
    ) throws -> WholeAnswer<FetchResponse> {
        let handler = broker.fetchHandler
        return try broker.call(handler, version: 17, listener: follower == nil ? "CLIENTS" : "BROKERS") { request in
            if let follower {
                request.replicaState.replicaID = BrokerID(follower)
                request.replicaState.replicaEpoch = brokerEpoch ?? Int64(100 + follower)
            }
            request.maxWaitMilliseconds = waits
            request.minBytes = 1
            request.maxBytes = maxBytes
            (request.sessionID, request.sessionEpoch) = session
            var topic = FetchRequest.FetchTopic()
            topic.topicID = PartitionsUnderTest.topicID
            for index in named {
                var partition = FetchRequest.FetchPartition()
                partition.partition = PartitionIndex(Int32(index))
                partition.fetchOffset = Offset(offset)
                partition.currentLeaderEpoch = LeaderEpoch(epoch)
                partition.lastFetchedEpoch = -1
                partition.partitionMaxBytes = 1 << 20
                partition.logStartOffset = Offset(follower == nil ? -1 : 0)
                topic.partitions.append(partition)
            }
            request.topics = named.isEmpty ? [] : [topic]
            var gone = FetchRequest.ForgottenTopic()
            gone.topicID = PartitionsUnderTest.topicID
            gone.partitions = forgotten.map { PartitionIndex(Int32($0)) }
            request.forgottenTopicsData = forgotten.isEmpty ? [] : [gone]
        }
    }

    private func partition(_ broker: PartitionsUnderTest, _ index: Int) throws -> Partition {
        try #require(broker.table.partition("t", PartitionIndex(Int32(index))))
    }

    private func named(_ answer: WholeAnswer<FetchResponse>) throws -> [Int32] {
        try answer.required().responses.flatMap { $0.partitions.map(\.partitionIndex.value) }
    }

    /// How many looks at partitions `work` takes.
    private func looks(_ broker: PartitionsUnderTest, _ work: () throws -> Void) rethrows -> UInt64 {
        let before = broker.fetchHandler.looks
        try work()
        return broker.fetchHandler.looks - before
    }

    /// Asks, and tells what the answer names after how many looks at partitions.
    private func look(
        _ broker: PartitionsUnderTest, _ session: (Int32, Int32), _ asked: [Int] = [], at offset: Int64 = 0,
        follower: Int32? = nil, brokerEpoch: Int64? = nil, maxBytes: Int32 = 1 << 20
    ) throws -> Looked {
        var names: [Int32] = []
        let looks = try looks(broker) {
            names = try named(
                ask(
                    broker, session, asked, at: offset, follower: follower, brokerEpoch: brokerEpoch, maxBytes: maxBytes
                ))
        }
        return Looked(names: names, looks: looks)
    }

    private struct Looked: Equatable {
        var names: [Int32]
        var looks: UInt64
    }

    @Test("A fetch without news looks at no partition, however many its session has, nor does one that waits")
    func idle() throws {
        let broker = try PartitionsUnderTest(replicas: [1], partitions: SessionWatchTests.many)
        let id = try open(broker, SessionWatchTests.many)
        #expect(try look(broker, (id, 1)) == Looked(names: [], looks: 0))
        let waiting = try ask(broker, (id, 2), waits: 300)
        #expect(looks(broker) { broker.loop.pass(milliseconds: 302) } == 0)
        #expect(try named(waiting) == [])
        let woken = try ask(broker, (id, 3), waits: 300)
        #expect(woken.response == nil)
        let wake = try looks(broker) { _ = try broker.produce(PartitionsUnderTest.batch(), partition: 150) }
        #expect(wake == 1)
        #expect(try named(woken) == [150])
        // Not named again: it wants the same once more.
        #expect(try look(broker, (id, 4)) == Looked(names: [150], looks: 1))
        #expect(try look(broker, (id, 5), [150], at: 1) == Looked(names: [], looks: 1))
        #expect(try look(broker, (id, 6)) == Looked(names: [], looks: 0))
    }

    @Test("Each event that a follower has to hear of is in its next answer, once")
    func events() throws {
        let broker = try PartitionsUnderTest(replicas: [1, 2], partitions: 4)
        let id = try open(broker, 4, follower: 2, epoch: 3)
        #expect(try look(broker, (id, 1), follower: 2) == Looked(names: [], looks: 0))
        // Records, and then the high watermark that the follower's own fetch moves.
        _ = try broker.produce(PartitionsUnderTest.batch(), partition: 1)
        #expect(try named(ask(broker, (id, 2), follower: 2)) == [1])
        let moved = try ask(broker, (id, 3), [1], at: 1, follower: 2, epoch: 3).required()
        let told = try ask(broker, (id, 4), follower: 2).required()
        let marks = [moved, told].flatMap { $0.responses.flatMap { $0.partitions.map(\.highWatermark) } }
        #expect(marks.last == 1)
        #expect(try look(broker, (id, 5), follower: 2) == Looked(names: [], looks: 0))
        // Another leads: an error in each answer, until it is forgotten.
        try broker.moveLeadership(to: 2)
        #expect(try named(ask(broker, (id, 6), follower: 2)) == [0])
        #expect(try named(ask(broker, (id, 7), follower: 2)) == [0])
        #expect(try named(ask(broker, (id, 8), follower: 2, forgotten: [0])) == [])
        // The topic is deleted.
        let waiting = try ask(broker, (id, 9), follower: 2, waits: 500)
        var removal = RemoveTopicRecord()
        removal.topicID = PartitionsUnderTest.topicID
        try broker.publish([.removeTopic(removal)])
        #expect(try Set(named(waiting)).isSubset(of: [1, 2, 3]) && !named(waiting).isEmpty)
        #expect(try Set(named(ask(broker, (id, 10), follower: 2))) == [1, 2, 3])
    }

    @Test("Rule 15: a follower whose session asks on is in sync, though its requests do not name the partition")
    func lag() throws {
        let broker = try PartitionsUnderTest(replicas: [1, 2], partitions: 2)
        let id = try open(broker, 2, follower: 2, epoch: 3)
        var epoch: Int32 = 1
        for _ in 0..<80 {
            broker.loop.pass(milliseconds: 500)
            _ = try ask(broker, (id, epoch), follower: 2)
            epoch += 1
        }
        _ = try broker.produce(PartitionsUnderTest.batch())
        let partition = try partition(broker, 0)
        partition.checkLag()
        func isChanging() -> Bool { partition.state.withLock { $0.leader?.isChangeInFlight ?? true } }
        #expect(!isChanging())
        // It asks on, but never for the record: after the limit it lags.
        for _ in 0..<62 {
            broker.loop.pass(milliseconds: 500)
            _ = try ask(broker, (id, epoch), follower: 2)
            epoch += 1
        }
        partition.checkLag()
        #expect(isChanging())
    }

    @Test("A full answer looks no further; what it has left out comes first in the next")
    func turns() throws {
        let broker = try PartitionsUnderTest(replicas: [1], partitions: 6)
        let id = try open(broker, 6)
        for index in 0..<6 { _ = try broker.produce(PartitionsUnderTest.batch(), partition: Int32(index)) }
        var served: [Int32] = []
        for epoch in Int32(1)...6 {
            let looked = try look(broker, (id, epoch), maxBytes: 1)
            #expect(looked.looks == 1)
            served += looked.names
        }
        #expect(served == [0, 1, 2, 3, 4, 5])
        #expect(try named(ask(broker, (id, 7), maxBytes: 1)) == [0])
    }

    @Test("A follower in another life looks at all of its session anew")
    func anotherLife() throws {
        let broker = try PartitionsUnderTest(replicas: [1, 2], partitions: 5)
        let id = try open(broker, 5, follower: 2, epoch: 3)
        #expect(try look(broker, (id, 1), follower: 2).looks == 0)
        #expect(try look(broker, (id, 2), follower: 2, brokerEpoch: 190).looks == 5)
    }

    @Test("What is over watches nothing: closed, evicted, emptied, forgotten, and partitions that are gone")
    func released() throws {
        let broker = try PartitionsUnderTest(
            replicas: [1], partitions: 3, node: "max.incremental.fetch.session.cache.slots=1\n")
        func watches() throws -> [Int] {
            try (0..<3).map { index in try partition(broker, index).state.withLock { $0.watches.count } }
        }
        let first = try open(broker, 3)
        #expect(try watches() == [1, 1, 1])
        _ = try ask(broker, (first, 1), forgotten: [1])
        #expect(try watches() == [1, 0, 1])
        _ = try ask(broker, (first, 2), [1])
        #expect(try watches() == [1, 1, 1])
        _ = try ask(broker, (first, -1), [0])
        #expect(try watches() == [0, 0, 0])
        let second = try open(broker, 3)
        let waiting = try ask(broker, (second, 1), waits: 10_000)
        broker.loop.pass(milliseconds: 1)
        _ = try ask(broker, (second, 0), [2], waits: 0)
        #expect(try watches() == [0, 0, 1])
        #expect(waiting.response != nil, "who waits for a session that is over is answered")
        let third = try open(broker, 3)
        #expect(third == 0, "no slot is free")
        #expect(try watches() == [0, 0, 1])
        weak let gone = try partition(broker, 2)
        var removal = RemoveTopicRecord()
        removal.topicID = PartitionsUnderTest.topicID
        try broker.publish([.removeTopic(removal)])
        broker.loop.pass(milliseconds: 1)
        #expect(gone == nil)
    }
}
