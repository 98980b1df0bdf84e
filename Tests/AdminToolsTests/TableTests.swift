import AdminTools
import ClientCore
import MartletClient
import Primitives
import Testing
import WireMessages
import WireProtocol

@Suite("What tools print")
struct TableTests {
    static func lines(_ ids: Int32...) -> [BrokerID] { ids.map { BrokerID($0) } }

    @Test("A topic with its partitions")
    func topic() {
        let topic = TopicDescription(
            name: "orders", id: TopicID("vYDLLU9KSxKg5qBRGcz8VA") ?? .zero,
            partitions: [
                .init(
                    index: 0, leader: BrokerID(1), replicas: Self.lines(1, 2, 3), inSync: Self.lines(1, 2, 3),
                    eligible: [], lastKnownEligible: []),
                .init(
                    index: 1, leader: nil, replicas: Self.lines(2, 3, 1), inSync: Self.lines(3),
                    eligible: Self.lines(2), lastKnownEligible: []),
                .init(index: 2, leader: BrokerID(2), replicas: Self.lines(2), inSync: Self.lines(2)),
            ], configs: ["min.insync.replicas=2", "retention.ms=86400000"])
        #expect(
            topic.header == "Topic: orders\tTopicId: vYDLLU9KSxKg5qBRGcz8VA\tPartitionCount: 3\tReplicationFactor: 3\t"
                + "Configs: min.insync.replicas=2,retention.ms=86400000")
        #expect(
            topic.partitions.map(topic.line) == [
                "\tTopic: orders\tPartition: 0\tLeader: 1\tReplicas: 1,2,3\tIsr: 1,2,3\tElr: \tLastKnownElr: ",
                "\tTopic: orders\tPartition: 1\tLeader: none\tReplicas: 2,3,1\tIsr: 3\tElr: 2\tLastKnownElr: ",
                "\tTopic: orders\tPartition: 2\tLeader: 2\tReplicas: 2\tIsr: 2\tElr: N/A\tLastKnownElr: N/A",
            ])
        let live: Set<BrokerID> = [BrokerID(1), BrokerID(3)]
        func shown(_ filter: TopicFilter) -> [Int32] {
            topic.partitions.filter { filter.shows($0, minInSync: 2, liveBrokers: live) }.map(\.index)
        }
        #expect(shown(.underReplicated) == [1])
        #expect(shown(.unavailable) == [1, 2])
        #expect(shown(.underMinInSync) == [1, 2])
        #expect(shown(.atMinInSync) == [])
        #expect(TopicFilter.everything.showsHeader(topic) && !TopicFilter.unavailable.showsHeader(topic))
    }

    @Test("A group's offsets, with and without a member")
    func offsets() {
        let member = GroupTables.Member(
            id: "rdkafka-5d3c", instanceID: nil, host: "/172.18.0.7", clientID: "rdkafka", assigned: [])
        let rows = [
            GroupTables.OffsetRow(
                group: "billing", place: TopicPartition("orders", PartitionIndex(0)), committed: Offset(120),
                logEnd: Offset(130), member: member),
            GroupTables.OffsetRow(
                group: "billing", place: TopicPartition("orders", PartitionIndex(1)), committed: nil,
                logEnd: Offset(55), member: nil),
        ]
        let p = { (text: String, width: Int) in text + String(repeating: " ", count: width - text.count) + " " }
        let widths = [15, 15, 10, 15, 15, 15, 15, 15]
        let expected = [
            [
                "GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST",
                "CLIENT-ID",
            ],
            ["billing", "orders", "0", "120", "130", "10", "rdkafka-5d3c", "/172.18.0.7", "rdkafka"],
            ["billing", "orders", "1", "-", "55", "-", "-", "-", "-"],
        ].map { cells in zip(cells, widths).map { p($0, $1) }.joined() + cells[8] }
        #expect(GroupTables.offsetsTable(rows, isVerbose: false).lines == expected)
    }

    @Test("Members, static ones with their names; state; list")
    func members() {
        let assigned = [("orders", 1), ("orders", 0), ("other", 2)].map {
            TopicPartition($0, PartitionIndex(Int32($1)))
        }
        let member = GroupTables.Member(
            id: "m", instanceID: "one", host: "/1.2.3.4", clientID: "c", assigned: assigned)
        let lines = GroupTables.membersTable("g", [member], isVerbose: true).lines
        #expect(lines[0].contains("GROUP-INSTANCE-ID HOST"))
        #expect(lines[1].contains("orders:0,1;other:2"))
        let state = GroupTables.State(
            group: "g", coordinator: "b1:9092  (1)", strategy: "range", state: "Stable", memberCount: 2)
        #expect(
            GroupTables.stateTable(state, isVerbose: false).lines == [
                "GROUP           COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE                #MEMBERS",
                "g               b1:9092  (1)              range                Stable               2",
            ])
        #expect(
            GroupTables.listTable([("a", "Classic", "Empty")], showsType: false, showsState: true).lines == [
                "GROUP STATE               ", "a     Empty               ",
            ])
    }

    static func quorum() -> DescribeQuorumResponse.PartitionData {
        var quorum = DescribeQuorumResponse.PartitionData()
        quorum.leaderID = BrokerID(1)
        quorum.leaderEpoch = LeaderEpoch(7)
        quorum.highWatermark = 5_214
        quorum.currentVoters = ([(1, 5_214, 1_000), (2, 5_210, 593)] as [(Int32, Int64, Int64)]).map { id, end, time in
            var replica = DescribeQuorumResponse.ReplicaState()
            replica.replicaID = BrokerID(id)
            replica.logEndOffset = Offset(end)
            replica.lastFetchTimestamp = time
            replica.lastCaughtUpTimestamp = time
            return replica
        }
        return quorum
    }

    @Test("The quorum's status")
    func status() {
        var node = DescribeQuorumResponse.Node()
        node.nodeID = BrokerID(1)
        var listener = DescribeQuorumResponse.Listener()
        listener.name = "CONTROLLER"
        listener.host = "c1"
        listener.port = 9_093
        node.listeners = [listener]
        #expect(
            QuorumTables.status(clusterID: "5L6g3nShT-eMCtK--X86sw", Self.quorum(), nodes: [node]) == [
                "ClusterId:              5L6g3nShT-eMCtK--X86sw", "LeaderId:               1",
                "LeaderEpoch:            7", "HighWatermark:          5214", "MaxFollowerLag:         4",
                "MaxFollowerLagTimeMs:   407",
                "CurrentVoters:          [{\"id\": 1, \"endpoints\": [\"CONTROLLER://c1:9093\"]}, {\"id\": 2, \"endpoints\": []}]",
                "CurrentObservers:       []",
            ])
    }

    @Test("The quorum's replication, padded and each cell followed by a tab")
    func replication() {
        let lines = QuorumTables.replication(Self.quorum(), agesAtMilliseconds: nil).lines
        #expect(
            lines == [
                "NodeId\tDirectoryId           \tLogEndOffset\tLag\tLastFetchTimestamp\tLastCaughtUpTimestamp\tStatus  \t",
                "1     \tAAAAAAAAAAAAAAAAAAAAAA\t5214        \t0  \t1000              \t1000                 \tLeader  \t",
                "2     \tAAAAAAAAAAAAAAAAAAAAAA\t5210        \t4  \t593               \t593                  \tFollower\t",
            ])
        #expect(QuorumTables.replication(Self.quorum(), agesAtMilliseconds: 1_100).lines[2].contains("507 ms ago"))
    }

    @Test("What storage info says")
    func storage() {
        #expect(
            StorageReport.lines(found: ["/d"], metadata: ["{a}"], problems: ["/e is not formatted."]) == [
                "Found log directory:", "  /d", "", "Found metadata: {a}", "", "Found problem:",
                "  /e is not formatted.", "",
            ])
    }
}
