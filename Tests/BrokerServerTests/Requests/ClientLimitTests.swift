import Primitives
import Testing
import WireMessages
import World

@testable import BrokerServer

private typealias Connection = ConnectionUnderTest

@Suite("Limits that are on by default")
struct ClientLimitTests {
    private static let listener = ListenerIdentity(name: "PLAINTEXT", kind: .client)
    private static let other = ListenerIdentity(name: "OTHER", kind: .client)
    private static let start = MonotonicInstant(1_000_000_000)

    private static func isIn(_ verdict: ConnectionGate.Verdict) -> Bool {
        if case .admitted = verdict { true } else { false }
    }

    @Test("Connections beyond the limit, in all, from one address or on one listener, are refused until one leaves")
    func connections() {
        var limits = RequestLimits()
        limits.connectionsMax = 4
        limits.connectionsPerAddressMax = 2
        limits.connectionsByAddressMax = ["c": 0]
        limits.listeners["other"] = .init()
        limits.listeners["other"]?.connectionsMax = 1
        let gate = ConnectionGate()
        func enter(_ address: String, _ listener: ListenerIdentity = ClientLimitTests.listener)
            -> ConnectionGate.Verdict
        {
            gate.enter(address, listener, limits, now: ClientLimitTests.start)
        }
        #expect([enter("a"), enter("a"), enter("a")].map(ClientLimitTests.isIn) == [true, true, false])
        #expect(enter("a") == .refused(.refusedByAddress))
        #expect(enter("c") == .refused(.refusedByAddress))
        #expect(ClientLimitTests.isIn(enter("b", ClientLimitTests.other)))
        #expect(enter("d", ClientLimitTests.other) == .refused(.refusedByListener))
        #expect(ClientLimitTests.isIn(enter("b")))
        #expect(enter("e") == .refused(.refusedByTotal))
        gate.leave("a", ClientLimitTests.listener)
        #expect(ClientLimitTests.isIn(enter("e")))
        #expect(gate.total == 4)
        #expect(gate.total(of: ClientLimitTests.other) == 1)
        let node = gate.enter("n", ClientLimitTests.listener, isExempt: true, limits, now: ClientLimitTests.start)
        #expect(node == .admitted(waitMilliseconds: 0))
    }

    @Test("A rush of connections is served at the pace that is set, and refused beyond a wait of five seconds")
    func pace() {
        var limits = RequestLimits()
        limits.connectionsPerSecond = 10
        limits.connectionsPerAddressMax = .max
        let gate = ConnectionGate()
        func enter(_ after: Int64) -> ConnectionGate.Verdict {
            let now = ClientLimitTests.start.advanced(byMilliseconds: after)
            return gate.enter("a", ClientLimitTests.listener, limits, now: now)
        }
        for _ in 0..<11 { #expect(enter(0) == .admitted(waitMilliseconds: 0)) }
        #expect(enter(0) == .admitted(waitMilliseconds: 101))
        for _ in 0..<48 { #expect(ClientLimitTests.isIn(enter(0))) }
        #expect(enter(0) == .refused(.refusedByRate))
        // What was refused is not counted: after a second ten more may wait.
        #expect((0..<11).map { _ in ClientLimitTests.isIn(enter(1_000)) }.filter { $0 }.count == 10)
        #expect(enter(60_000) == .admitted(waitMilliseconds: 0))
    }

    @Test("While too much is held nothing more is read; it goes on when enough was given back")
    func heldMemory() {
        var limits = RequestLimits()
        let frame = Connection.produce(1)
        limits.heldBytesMax = 4 * frame.count
        let client = Connection(limits: limits)
        client.receive(Connection.produce(1), Connection.produce(2), Connection.produce(3))
        #expect(client.link.isReading)
        #expect(client.shared.memory.bytes == 3 * frame.count)
        client.receive(Connection.produce(4))
        #expect(!client.link.isReading)
        #expect(client.shared.counts[.mutedForMemory] == 1)
        client.answerProduce()
        #expect(client.link.isReading)
        #expect(client.shared.memory.bytes < 4 * frame.count)
    }

    @Test("Who holds memory for long while there is none left is closed, and nobody else")
    func hogs() {
        var limits = RequestLimits()
        limits.heldBytesMax = 10_000
        let client = Connection(limits: limits)
        let connection = client.connection
        client.shared.watch { [connection] }
        client.loop.run { connection.partialBytesChanged(to: 9_000) }
        client.loop.pass(milliseconds: 60_000)
        client.loop.run { connection.partialBytesChanged(to: 9_500) }
        #expect(!client.link.isClosed)
        client.loop.run { connection.partialBytesChanged(to: 12_000) }
        #expect(client.link.isClosed)
        #expect(client.shared.counts[.closedForMemory] == 1)
        client.loop.run { connection.linkEnded(.closed) }
        #expect(client.shared.memory.bytes == 0)
    }

    @Test("A client that takes no answers starts no more requests, and is closed in the end")
    func stalled() {
        let client = Connection()
        client.link.queuedBytes = 3 << 20
        client.receive(Connection.metadata(1))
        var answer = MetadataResponse()
        answer.clusterID = String(repeating: "c", count: 30_000)
        for next in 2...60 {
            client.answerMetadata(answer)
            client.receive(Connection.metadata(Int32(next)))
        }
        // What was sent exceeds the queue's limit: the next request is not started.
        #expect(client.metadata.count == 0)
        #expect(client.shared.memory.bytes > LinkQueue.lowBytes)
        client.loop.pass(milliseconds: 30_001)
        #expect(client.link.isClosed)
        #expect(client.shared.counts[.closedStalled] == 1)
    }

    @Test("The client that asked for nothing for the longest time makes room for a node")
    func eviction() {
        let (first, second) = (Connection(), Connection())
        let limits = ClientLimits(RequestLimits())
        let connections = [first.connection, second.connection]
        limits.watch { connections }
        first.receive(Connection.metadata(1))
        first.loop.pass(milliseconds: 10)
        first.receive(Connection.metadata(2))
        limits.evictOne()
        #expect(second.link.isClosed)
        #expect(!first.link.isClosed)
    }
}
