import BrokerServer
import Glibc
import Primitives
import Testing
import WireMessages
import WireProtocol

/// Cases A2, A12, A13, A14 and A19: clients that ask for too much of what all share.
@Suite("No client takes what others need", .serialized)
struct LimitTests {
    @Test("A2: a request that comes a byte at a time is given up")
    func slowRequest() throws {
        let server = try AbusedServer()
        let slow = RawClient(port: server.port)
        let good = RawClient(port: server.port)
        slow.setPatience(milliseconds: 1_000)
        slow.send(lengthPrefix(100 << 20) + [0])
        var seconds = 0
        while seconds < 25, !slow.isClosedByServer {
            slow.clearPatience()
            slow.send([0])
            #expect(good.isServed(Int32(seconds)))
            seconds += 1
        }
        #expect((8...24).contains(seconds), "closed after \(seconds) s")
        // The client may see the end before the server has cleared up behind it.
        for _ in 0..<200 where server.limits.memory.bytes > 0 { usleep(5_000) }
        #expect(server.limits.memory.bytes == 0)
        try server.stop()
    }

    @Test("A3: a request that ends in a reset at any byte leaves nothing behind")
    func resets() throws {
        let server = try AbusedServer()
        let whole = RawClient.request(MetadataRequest(), version: 12, 5)
        let good = RawClient(port: server.port)
        for count in 1..<whole.count {
            let client = RawClient(port: server.port)
            client.send(Array(whole[..<count]))
            client.reset()
        }
        #expect(good.isServed(1))
        for _ in 0..<200 where server.limits.gate.total > 1 { usleep(5_000) }
        #expect(server.limits.gate.total == 1)
        #expect(server.limits.memory.bytes == 0)
        try server.stop()
    }

    @Test("A13: one address has its share of connections and no more; those that are in are served")
    func oneAddress() throws {
        var limits = RequestLimits()
        limits.connectionsPerAddressMax = 200
        let server = try AbusedServer(limits)
        let good = RawClient(port: server.port)
        #expect(good.isServed(1))
        let idle = (0..<400).map { _ in RawClient(port: server.port) }
        #expect(good.isServed(2))
        #expect(idle.filter { $0.isServed(3) }.count == 199)
        #expect(server.limits.gate.total == 200)
        #expect(server.limits.counts[.refusedByAddress] == 201)
        try server.stop()
    }

    @Test("A13: connections that come too fast wait for their turn, and all are served")
    func rush() throws {
        var limits = RequestLimits()
        limits.connectionsPerSecond = 50
        let server = try AbusedServer(limits)
        let good = RawClient(port: server.port)
        #expect(good.isServed(1))
        let rush = (0..<100).map { _ in RawClient(port: server.port) }
        #expect(good.isServed(2))
        #expect(rush.allSatisfy { $0.isServed(3) })
        #expect(server.limits.counts[.delayedByRate] > 20)
        #expect(server.limits.counts[.refusedByRate] == 0)
        try server.stop()
    }

    @Test("A14: a client that never reads makes the node hold little, and is closed; others are served")
    func neverReads() throws {
        var limits = RequestLimits()
        limits.stallMilliseconds = 1_000
        let server = try AbusedServer(limits, answerBytes: 100_000)
        let good = RawClient(port: server.port)
        let deaf = (0..<10).map { _ in RawClient(port: server.port, receiveBufferBytes: 4_096) }
        for client in deaf {
            client.setSendPatience(milliseconds: 200)
            client.send((0..<600).flatMap { RawClient.request(MetadataRequest(), version: 12, Int32($0)) })
        }
        var highest = 0
        for round in 0..<400 where server.limits.counts[.closedStalled] < deaf.count {
            #expect(good.isServed(Int32(round)))
            highest = max(highest, server.limits.memory.bytes)
            usleep(10_000)
        }
        #expect(server.limits.counts[.closedStalled] == deaf.count)
        #expect(highest < 10 * (4 << 20), "held \(highest)")
        try server.stop()
    }

    @Test("A14: requests that do not end are given up once they hold all the memory that there is")
    func halfRequests() throws {
        var limits = RequestLimits()
        limits.heldBytesMax = 8 << 20
        let server = try AbusedServer(limits)
        let good = RawClient(port: server.port)
        let half = (0..<30).map { _ in RawClient(port: server.port) }
        for client in half {
            client.send(lengthPrefix(64 << 20) + [UInt8](repeating: 0, count: 1 << 20))
            #expect(good.isServed(1))
        }
        for _ in 0..<600 where server.limits.memory.isFull {
            #expect(good.isServed(2))
            usleep(10_000)
        }
        #expect(!server.limits.memory.isFull)
        #expect(server.limits.counts[.closedForMemory] > 10)
        try server.stop()
    }

    @Test("A12: an offset's text beyond the limit is refused, and a join of a hundred thousand protocols harms nobody")
    func groups() throws {
        let node = try WholeNode(settings: ["group.initial.rebalance.delay.ms=0"])
        let good = try GoodTraffic(port: node.port)
        let client = RawClient(port: node.port)
        #expect(try client.createTopic("grouped") == .noError)
        var coordinator = FindCoordinatorRequest()
        coordinator.coordinatorKeys = ["g"]
        for _ in 0..<2_000 {
            let found = try client.ask(coordinator, version: 4)?.coordinators.first?.errorCode
            if found == .noError { break }
            usleep(5_000)
        }
        var partition = OffsetCommitRequest.OffsetCommitRequestPartition()
        partition.committedMetadata = String(repeating: "m", count: 5_000)
        var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
        topic.name = "grouped"
        topic.partitions = [partition]
        var commit = OffsetCommitRequest()
        commit.groupID = "g"
        commit.topics = [topic]
        var told: ErrorCode?
        for _ in 0..<2_000 {
            told = try client.ask(commit, version: 8)?.topics.first?.partitions.first?.errorCode
            if told != .coordinatorLoadInProgress, told != .notCoordinator { break }
            usleep(5_000)
        }
        #expect(told == .offsetMetadataTooLarge)
        var join = JoinGroupRequest()
        join.groupID = "g"
        join.sessionTimeoutMilliseconds = 10_000
        join.rebalanceTimeoutMilliseconds = 10_000
        join.protocolType = "consumer"
        join.protocols = (0..<100_000).map { index in
            var offered = JoinGroupRequest.JoinGroupRequestProtocol()
            offered.name = "p\(index)"
            return offered
        }
        let answer = try client.ask(join, version: 9)
        #expect(answer != nil)
        good.expectUnharmed()
        try node.stop()
    }
}
