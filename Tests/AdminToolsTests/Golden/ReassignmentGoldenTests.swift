import ClientCore
import MartletClient
import Primitives
import Testing
import WireMessages

@testable import AdminTools

@Suite("reassign-partitions, word for word") struct ReassignmentGoldenTests {
    static func ids(_ ids: Int32...) -> [BrokerID] { ids.map { BrokerID($0) } }

    static func place(_ topic: String, _ index: Int32) -> TopicPartition { .init(topic, PartitionIndex(index)) }

    static func file(_ text: String) throws -> ReassignmentFile {
        try ReassignmentFile(parsing: try JSONReader.parse(Array(text.utf8)))
    }

    static func complaint(_ words: String) -> String? {
        do {
            try ReassignmentOptions.check(
                try ReassignmentOptions.table.parse(words.split(separator: " ").map(String.init)))
            return nil
        } catch { return error.description }
    }

    @Test(
        "Options that make no sense together",
        arguments: [
            (
                "--bootstrap-server a:1",
                "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list"
            ),
            ("--list", "Please specify either --bootstrap-server or --bootstrap-controller"),
            (
                "--list --bootstrap-server a:1 --bootstrap-controller a:1",
                "Please don't specify both --bootstrap-server and --bootstrap-controller"
            ),
            (
                "--execute --bootstrap-server a:1",
                "Missing required argument \"[reassignment-json-file]\""
            ),
            (
                "--generate --bootstrap-server a:1 --topics-to-move-json-file f",
                "Missing required argument \"[broker-list]\""
            ),
            (
                "--verify --bootstrap-server a:1 --reassignment-json-file f --throttle 5",
                "Option \"[throttle]\" can't be used with action \"[verify]\""
            ),
            (
                "--list --bootstrap-server a:1 --additional",
                "Option \"[additional]\" can't be used with action \"[list]\""
            ),
        ])
    func complaints(words: String, expected: String) { #expect(Self.complaint(words) == expected) }

    @Test("An assignment as it is printed, and read back")
    func json() throws {
        let text =
            "{\"version\":1,\"partitions\":[{\"topic\":\"bar\",\"partition\":0,\"replicas\":[1],"
            + "\"log_dirs\":[\"any\"]},"
            + "{\"topic\":\"foo\",\"partition\":2,\"replicas\":[1,2,3],\"log_dirs\":[\"any\",\"any\",\"any\"]},"
            + "{\"topic\":\"foo\",\"partition\":10,\"replicas\":[3,1],\"log_dirs\":[\"any\",\"any\"]}]}"
        let assignments = [
            Self.place("foo", 10): Self.ids(3, 1), Self.place("foo", 2): Self.ids(1, 2, 3),
            Self.place("bar", 0): Self.ids(1),
        ]
        #expect(ReassignmentFile.json(assignments).description == text)
        let read = try Self.file(text)
        #expect(read.targets == assignments && read.directories.isEmpty && read.topics == ["bar", "foo"])
    }

    @Test("Log directories by name, and documents that are refused")
    func documents() throws {
        let plan = try Self.file(
            "{\"partitions\":[{\"topic\":\"foo\",\"partition\":0,\"replicas\":[1,2],\"log_dirs\":[\"/d2\",\"any\"]}]}")
        #expect(plan.directories == [PlacedReplica(place: Self.place("foo", 0), broker: BrokerID(1)): "/d2"])
        func refusal(_ text: String) -> String? {
            do {
                try Self.file(text).checkExecutable()
                return nil
            } catch { return "\(error)" }
        }
        func partitions(_ entries: String) -> String { "{\"version\":1,\"partitions\":[\(entries)]}" }
        let foo = "{\"topic\":\"foo\",\"partition\":0,\"replicas\":[1,2]}"
        #expect(refusal("{\"version\":2}") == "Not supported version field value 2")
        #expect(refusal(partitions("")) == "Partition reassignment list cannot be empty")
        #expect(
            refusal(partitions("{\"topic\":\"foo\",\"partition\":0,\"replicas\":[]}"))
                == "Partition replica list cannot be empty")
        #expect(
            refusal(partitions("\(foo),\(foo)"))
                == "Partition reassignment contains duplicate topic partitions: foo-0")
        #expect(
            refusal(partitions("{\"topic\":\"foo\",\"partition\":0,\"replicas\":[1,2,1]}"))
                == "Partition replica lists may not contain duplicate entries: foo-0 contains multiple entries for 1")
        #expect(
            refusal(
                partitions("{\"topic\":\"foo\",\"partition\":0,\"replicas\":[1,2],\"log_dirs\":[\"any\"]}"))
                == "Size of replicas list [1, 2] is different from size of log dirs list [any] for partition foo-0")
        #expect(refusal(partitions("{\"topic\":\"foo\"}")) != nil)
        #expect(refusal("[]") == "Expected JSON object, received []")
    }

    @Test("Where partitions stand")
    func standings() {
        let foo = Self.place("foo", 0)
        #expect(
            ReassignmentCheck.line(foo, .completed, target: Self.ids(1))
                == "Reassignment of partition foo-0 is completed."
        )
        #expect(
            ReassignmentCheck.line(foo, .inProgress, target: Self.ids(1))
                == "Reassignment of partition foo-0 is still in progress.")
        #expect(
            ReassignmentCheck.line(foo, .different(Self.ids(1, 2)), target: Self.ids(1, 2, 3))
                == "There is no active reassignment of partition foo-0, but replica set is 1,2 rather than 1,2,3.")
    }

    @Test("Where moves between directories stand")
    func directories() {
        let replica = PlacedReplica(place: Self.place("foo", 0), broker: BrokerID(1))
        func line(_ current: String?, _ future: String?, offline: Bool = false) -> String {
            DirectoryMoves.line(
                replica, DirectoryMoves.standing(current: current, future: future, target: "/b", hasOffline: offline))
        }
        #expect(line("/b", nil) == "Reassignment of replica foo-0-1 completed successfully.")
        #expect(line("/a", "/b") == "Reassignment of replica foo-0-1 is still in progress.")
        #expect(line("/a", "/c") == "Partition foo-0 on broker 1 is being moved to log dir /c instead of /b.")
        #expect(line("/a", nil) == "Partition foo-0 on broker 1 is not being moved from log dir /a to /b.")
        #expect(line(nil, nil) == "Partition foo-0 cannot be found in any live log directory on broker 1.")
        #expect(
            line(nil, nil, offline: true)
                == "Partition foo-0 is not found in any live log dir on broker 1. There is likely an offline log "
                + "directory on the broker.")
    }

    @Test("Throttles hold for where partitions come from and where they go")
    func throttles() {
        var going = ListPartitionReassignmentsResponse.OngoingPartitionReassignment()
        going.replicas = Self.ids(1, 2, 4)
        going.addingReplicas = Self.ids(4)
        going.removingReplicas = Self.ids(1)
        let moves = ReplicationThrottles.moves(
            [Self.place("foo", 1): going], targets: [Self.place("foo", 0): Self.ids(2, 3)],
            current: [Self.place("foo", 0): Self.ids(1, 2)])
        let changes = ReplicationThrottles.changes(moves, bytesPerSecond: 1_000)
        #expect(changes.map(\.target) == [.topic("foo")] + [1, 2, 3, 4].map { ConfigTarget.broker($0) })
        #expect(
            changes[0].changes.map(\.name)
                == ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"])
        #expect(changes[0].changes.map(\.change) == [.set("0:1,0:2,1:1,1:2"), .set("0:3,1:4")])
        #expect(
            changes[1].changes.map(\.name)
                == ["leader.replication.throttled.rate", "follower.replication.throttled.rate"])
        #expect(changes[1].changes.map(\.change) == [.set("1000"), .set("1000")])
    }

    @Test("Proposed replicas are spread over brokers, then over racks")
    func spread() throws {
        var plain = try ReplicaSpread([(BrokerID(3), nil), (BrokerID(1), nil), (BrokerID(2), nil)])
        #expect(
            try plain.assign(4, factor: 2)
                == [Self.ids(1, 2), Self.ids(2, 3), Self.ids(3, 1), Self.ids(1, 3)])
        #expect(try plain.assign(1, factor: 1) == [Self.ids(2)], "the next topic begins where the last one ended")
        #expect(throws: ToolFailure("Replication factor: 4 larger than available brokers: 3.")) {
            try plain.assign(1, factor: 4)
        }
        var racks = try ReplicaSpread([
            (BrokerID(1), "a"), (BrokerID(2), "a"), (BrokerID(3), "b"), (BrokerID(4), "b"),
        ])
        let rackOf: [BrokerID: String] = [
            BrokerID(1): "a", BrokerID(2): "a", BrokerID(3): "b", BrokerID(4): "b",
        ]
        let assigned = try racks.assign(8, factor: 2)
        #expect(assigned.allSatisfy { Set($0.compactMap { rackOf[$0] }).count == 2 })
        for broker in rackOf.keys { #expect(assigned.joined().count { $0 == broker } == 4) }
        var uneven = try ReplicaSpread([(BrokerID(1), "a"), (BrokerID(2), "a"), (BrokerID(3), "b")])
        #expect(try uneven.assign(3, factor: 3).allSatisfy { Set($0).count == 3 })
    }
}
