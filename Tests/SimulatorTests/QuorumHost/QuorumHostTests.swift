import Primitives
import Quorum
import Simulator
import Testing
import World

@testable import BrokerServer

@Suite("The metadata log of three voters")
struct QuorumHostTests {
    private let directory = "meta/__cluster_metadata-0"

    @Test("what is appended at the leader is committed on all, in order, once", arguments: 1...5)
    func replicates(seed: UInt64) throws {
        let quorum = HostedQuorum(seed: seed)
        for number in 0..<20 { #expect(quorum.write(["a\(number)", "b\(number)"])) }
        let expected = (0..<20).flatMap { ["a\($0)", "b\($0)"] }
        for node in quorum.nodes.values {
            #expect(node.heard.now.records == expected)
            #expect(node.failure == nil)
        }
    }

    @Test("the vote file is the one that Kafka writes for static voters")
    func voteFile() throws {
        let quorum = HostedQuorum(seed: 3)
        #expect(quorum.write(["x"]))
        let leader = try #require(quorum.leader)
        let epoch = try #require(quorum.nodes[leader]?.host.leader.epoch)
        let content = try #require(quorum.files[leader]).readAll(directory + "/quorum-state")
        #expect(
            String(decoding: content, as: UTF8.self)
                == "{\"clusterId\":\"\",\"leaderId\":\(leader),\"leaderEpoch\":\(epoch),\"votedId\":\(leader),"
                + "\"appliedOffset\":0,\"currentVoters\":[{\"voterId\":1},{\"voterId\":2},{\"voterId\":3}],"
                + "\"data_version\":0}")
    }

    @Test("a killed leader is replaced in a fraction of a second, and nothing is lost", arguments: 1...10)
    func killedLeader(seed: UInt64) throws {
        let quorum = HostedQuorum(seed: seed)
        #expect(quorum.write(["before"]))
        let killed = try #require(quorum.leader)
        quorum.crash(killed)
        let start = quorum.time.now
        #expect(quorum.write(["after"]))
        #expect(quorum.time.now.milliseconds(since: start) < 500)
        quorum.start(killed)
        #expect(quorum.run(until: { quorum.nodes[killed]?.heard.now.records == ["before", "after"] }))
    }

    @Test("an orderly stop hands over at once", arguments: 1...5)
    func handOver(seed: UInt64) throws {
        let quorum = HostedQuorum(seed: seed)
        #expect(quorum.write(["before"]))
        let stopped = try #require(quorum.leader)
        let node = try #require(quorum.nodes[stopped])
        let start = quorum.time.now
        node.loop.execute { node.host.shutDown {} }
        #expect(quorum.run(until: { quorum.leader.map { $0 != stopped } ?? false }))
        #expect(quorum.time.now.milliseconds(since: start) < 300)
    }

    @Test("all machines lose power at once: what was committed is there again", arguments: 1...10)
    func powerLoss(seed: UInt64) throws {
        let quorum = HostedQuorum(seed: seed)
        for number in 0..<5 { #expect(quorum.write(["a\(number)"])) }
        for id: Int32 in 1...3 { quorum.crash(id, losingPower: true) }
        for id: Int32 in 1...3 { quorum.start(id) }
        #expect(quorum.write(["after"]))
        for node in quorum.nodes.values {
            #expect(node.heard.now.records == (0..<5).map { "a\($0)" } + ["after"])
        }
    }

    @Test("a node behind the log's start fetches a snapshot and goes on from there", arguments: 1...5)
    func snapshot(seed: UInt64) throws {
        let quorum = HostedQuorum(seed: seed) { $0.snapshotBytes = 2_000 }
        #expect(quorum.write(["first"]))
        let late: Int32 = quorum.leader == 1 ? 2 : 1
        quorum.crash(late)
        var expected = ["first"]
        for number in 0..<80 {
            let record = "\(number)-" + String(repeating: "x", count: 90)
            expected.append(record)
            #expect(quorum.write([record]))
        }
        quorum.start(late)
        #expect(quorum.run(until: { quorum.nodes[late]?.heard.now.records == expected }))
        #expect(quorum.nodes[late]?.heard.now.snapshots.isEmpty == false)
        // The snapshot is enough for a restart too, and for the next election.
        quorum.crash(late)
        quorum.start(late)
        let leader = try #require(quorum.leader)
        quorum.crash(leader)
        #expect(quorum.write(["last"]))
        #expect(quorum.nodes[late]?.heard.now.records == expected + ["last"])
    }

    @Test(
        "a snapshot comes in pieces of the size that is set; one that is deleted meanwhile is given up for a newer one",
        arguments: 1...5)
    func snapshotInPieces(seed: UInt64) throws {
        let quorum = HostedQuorum(seed: seed) {
            $0.snapshotBytes = 2_000
            $0.snapshotFetchBytes = 300
        }
        #expect(quorum.write(["first"]))
        let late: Int32 = quorum.leader == 1 ? 2 : 1
        quorum.crash(late)
        var expected = ["first"]
        func next() -> String {
            expected.append("\(expected.count)-" + String(repeating: "x", count: 90))
            return expected[expected.count - 1]
        }
        for _ in 0..<80 { #expect(quorum.write([next()])) }
        quorum.start(late)
        let leader = try #require(quorum.leader)
        let asked = try #require(quorum.nodes[leader]?.asked)
        // While it fetches, so much is written that the leader takes other snapshots and drops the one on the way.
        for _ in 0..<60 {
            let count = asked.pieces.count
            #expect(quorum.run(until: { asked.pieces.count >= count + 2 || Set(asked.pieces.map(\.end)).count > 1 }))
            if Set(asked.pieces.map(\.end)).count > 1 { break }
            quorum.nodes[leader]?.append((0..<8).map { _ in next() })
        }
        #expect(quorum.leader == leader)
        #expect(quorum.run(until: { quorum.nodes[late]?.heard.now.records == expected }))
        let pieces = asked.pieces
        #expect(pieces.allSatisfy { $0.maxBytes == 300 && $0.position % 300 == 0 })
        #expect(Set(pieces.map(\.end)).count > 1, "no snapshot was deleted under its reader")
        #expect(
            pieces.count { $0.position == 0 } == Set(pieces.map(\.end)).count, "each is fetched from its start, once")
    }

    @Test(
        "beside nodes that know no pre-vote and no later Fetch, a quorum elects, replicates and fails over",
        arguments: 1...5)
    func olderNodes(seed: UInt64) throws {
        let quorum = HostedQuorum(seed: seed) { $0.older = [2, 3] }
        #expect(quorum.write(["before"]))
        let killed = try #require(quorum.leader)
        let epoch = try #require(quorum.nodes[killed]?.host.leader.epoch)
        let survivors = ([1, 2, 3] as [Int32]).filter { $0 != killed }
        let before = survivors.map { quorum.nodes[$0]?.asked.votes.count ?? 0 }
        quorum.crash(killed)
        #expect(quorum.write(["after"]))
        for (id, count) in zip(survivors, before) where id != 1 {
            let asked = try #require(quorum.nodes[id]?.asked)
            #expect(asked.votes.allSatisfy { $0.version == 1 })
            // A pre-vote that went out as a vote would name the epoch that is over.
            #expect(asked.votes.dropFirst(count).allSatisfy { $0.epoch > epoch.value })
            #expect(asked.fetchVersions.isSubset(of: [17]))
        }
        quorum.start(killed)
        #expect(quorum.run(until: { quorum.nodes[killed]?.heard.now.records == ["before", "after"] }))
    }

    @Test(
        "Rule 20: one controller's directory is wiped and a second is down: nobody leads until a full log is back",
        arguments: 1...10)
    func wipedVoter(seed: UInt64) throws {
        let quorum = HostedQuorum(seed: seed)
        for number in 0..<5 { #expect(quorum.write(["a\(number)"])) }
        // The survivor is not the leader: one that leads on may well bring the wiped voter up to date.
        let leader = try #require(quorum.leader)
        let other = leader % 3 + 1
        let (wiped, down) = seed.isMultiple(of: 2) ? (leader, other) : (other, leader)
        quorum.crash(wiped)
        quorum.crash(down)
        quorum.files[wiped]?.wipe()
        quorum.start(wiped)
        #expect(!quorum.run(until: { quorum.leader != nil }, limit: 8_000))
        quorum.start(down)
        #expect(quorum.write(["after"]))
        for node in quorum.nodes.values {
            #expect(node.heard.now.records == (0..<5).map { "a\($0)" } + ["after"])
        }
    }

    @Test("damage in what was flushed keeps a node from starting; it is not cut off as a torn tail")
    func damagedLog() throws {
        let quorum = HostedQuorum(seed: 6)
        for number in 0..<5 { #expect(quorum.write(["a\(number)"])) }
        // Enough for the recovery point to be noted behind them.
        for _ in 0..<3 { #expect(quorum.write((0..<100).map { "more \($0)" })) }
        #expect(quorum.write(["b"]))
        let damaged: Int32 = 2
        quorum.crash(damaged)
        let file = try #require(quorum.files[damaged]).open(directory + "/00000000000000000000.log", .readWrite)
        try file.write([Bytes([0xFF, 0xFF])], at: 130)
        quorum.start(damaged)
        #expect(quorum.run(until: { quorum.nodes[damaged]?.failure != nil }))
        #expect(quorum.nodes[damaged]?.failure?.contains("corrupt") == true)
        // Emptied, it gets all from the others.
        quorum.crash(damaged)
        quorum.files[damaged]?.wipe()
        quorum.start(damaged)
        #expect(quorum.run(until: { quorum.nodes[damaged]?.heard.now.records.last == "b" }))
    }

    @Test("a flush that fails ends the node; it is never tried again")
    func failedFlush() throws {
        let quorum = HostedQuorum(seed: 4)
        #expect(quorum.write(["before"]))
        let leader = try #require(quorum.leader)
        quorum.files[leader]?.failSynchronize(true)
        quorum.nodes[leader]?.append(["lost"])
        #expect(quorum.run(until: { quorum.nodes[leader]?.failure != nil }))
    }
}
