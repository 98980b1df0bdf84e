import LogStorage
import Primitives
import Testing
import World

@Suite("Files of a log directory") struct DirectoryFileTests {
    private let disk = SimDisk()
    private let id = UUID128("J8aAPcfLQt2bqs1JT_rMgQ")

    init() throws { try disk.createDirectory("/data") }

    private func text(_ name: String) -> String { String(decoding: disk.content("/data/" + name), as: UTF8.self) }

    private func put(_ name: String, _ content: String) throws {
        try disk.replace("/data/" + name, with: Array(content.utf8))
    }

    @Test("meta.properties is read and written as version 1")
    func metaProperties() throws {
        #expect(try MetaProperties.read(in: "/data", disk) == nil)
        let properties = MetaProperties(clusterID: "4L6g3nShT-eMCtK--X86sw", nodeID: BrokerID(3), directoryID: id)
        try properties.write(in: "/data", disk)
        #expect(text("meta.properties").contains("version=1\ncluster.id=4L6g3nShT-eMCtK--X86sw\nnode.id=3\n"))
        #expect(try MetaProperties.read(in: "/data", disk) == properties)
        try put("meta.properties", "#comment\r\nversion=1\r\nnode.id=1\r\ncluster.id=abc\r\n")
        #expect(try MetaProperties.read(in: "/data", disk)?.directoryID == nil)
        for wrong in [
            "", "version=0\nbroker.id=1\n", "version=1\nnode.id=1\n", "version=1\ncluster.id=a\nnode.id=x\n",
            "version=1\ncluster.id=a\nnode.id=1\ndirectory.id=short\n",
        ] {
            try put("meta.properties", wrong)
            #expect(throws: DirectoryFileError.self) { try MetaProperties.read(in: "/data", disk) }
        }
    }

    @Test("Rule 17: the clean-shutdown file tells the broker epoch once; absent or damaged means unclean")
    func cleanShutdown() throws {
        #expect(try CleanShutdownFile.take(in: "/data", disk) == .unclean)
        try CleanShutdownFile.write(BrokerEpoch(1832), in: "/data", disk)
        #expect(text(".kafka_cleanshutdown") == #"{"version":0,"brokerEpoch":1832}"#)
        #expect(try CleanShutdownFile.take(in: "/data", disk) == .clean(BrokerEpoch(1832)))
        #expect(try CleanShutdownFile.take(in: "/data", disk) == .unclean)
        for (content, found) in [
            ("", CleanShutdownFile.Found.clean(nil)), ("{", .damaged), (#"{"version":1}"#, .damaged),
        ] {
            try put(".kafka_cleanshutdown", content)
            #expect(try CleanShutdownFile.take(in: "/data", disk) == found)
        }
        // Taking it is durable: a crash right after is seen as one.
        try CleanShutdownFile.write(BrokerEpoch(7), in: "/data", disk)
        _ = try CleanShutdownFile.take(in: "/data", disk)
        var generator = SeededGenerator(seed: 3)
        disk.crash(using: &generator)
        #expect(try CleanShutdownFile.take(in: "/data", disk) == .unclean)
    }

    @Test("partition.metadata is Kafka's two lines")
    func partitionMetadata() throws {
        let topic = try #require(id)
        try PartitionMetadataFile.write(topic, in: "/data", disk)
        #expect(text("partition.metadata") == "version: 0\ntopic_id: J8aAPcfLQt2bqs1JT_rMgQ")
        #expect(try PartitionMetadataFile.read(in: "/data", disk) == topic)
        try put("partition.metadata", "version: 0\ntopic_id: J8aAP")
        #expect(throws: DirectoryFileError.self) { try PartitionMetadataFile.read(in: "/data", disk) }
    }

    @Test("quorum-state is read and written in both versions")
    func quorumState() throws {
        #expect(try QuorumStateFile.read(in: "/data", disk) == nil)
        let newer = QuorumStateFile(
            leaderID: nil, leaderEpoch: LeaderEpoch(2), votedID: BrokerID(1), votedDirectoryID: id, dataVersion: 1)
        try newer.write(in: "/data", disk)
        #expect(
            text("quorum-state")
                == #"{"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"J8aAPcfLQt2bqs1JT_rMgQ","data_version":1}"#
        )
        #expect(try QuorumStateFile.read(in: "/data", disk) == newer)
        let older = QuorumStateFile(
            leaderID: BrokerID(1), leaderEpoch: LeaderEpoch(2), votedID: nil,
            currentVoters: [BrokerID(1), BrokerID(2)],
            dataVersion: 0)
        try older.write(in: "/data", disk)
        #expect(
            text("quorum-state")
                == #"{"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}"#
        )
        #expect(try QuorumStateFile.read(in: "/data", disk) == older)
    }

    @Test("Rule 20: a vote that can't be read is an error, not a blank vote")
    func damagedVote() throws {
        let state = QuorumStateFile(leaderID: nil, leaderEpoch: LeaderEpoch(9), votedID: BrokerID(1), dataVersion: 1)
        try state.write(in: "/data", disk)
        let whole = text("quorum-state")
        for length in 0..<whole.utf8.count {
            try put("quorum-state", String(whole.prefix(length)))
            #expect(throws: DirectoryFileError.self) { try QuorumStateFile.read(in: "/data", disk) }
        }
        try put("quorum-state", whole.replacing("9", with: "-1"))
        #expect(throws: DirectoryFileError.self) { try QuorumStateFile.read(in: "/data", disk) }
    }

    @Test("Offset checkpoints are Kafka's text; a torn one is recognised")
    func offsetCheckpoints() throws {
        #expect(try OffsetCheckpoint.read(.highWatermark, in: "/data", disk).entries.isEmpty)
        let checkpoint = OffsetCheckpoint(entries: [
            .init(topic: "orders", partition: PartitionIndex(0), offset: Offset(42)),
            .init(topic: "a.b-c", partition: PartitionIndex(11), offset: Offset(0)),
        ])
        try checkpoint.write(.highWatermark, in: "/data", disk)
        #expect(text("replication-offset-checkpoint") == "0\n2\norders 0 42\na.b-c 11 0\n")
        let read = try OffsetCheckpoint.read(.highWatermark, in: "/data", disk)
        #expect(read == checkpoint)
        #expect(read.offset("a.b-c", PartitionIndex(11)) == .zero)
        try put("replication-offset-checkpoint", "0\n2\norders 0 42\n")
        let damage = DirectoryFileError.malformed(
            path: "/data/replication-offset-checkpoint",
            reason: "line 4: expected 2 entries, found 1 or a torn one")
        #expect(throws: damage) { try OffsetCheckpoint.read(.highWatermark, in: "/data", disk) }
        try put("replication-offset-checkpoint", "0\n1\norders 0 4x\n")
        let word = DirectoryFileError.malformed(
            path: "/data/replication-offset-checkpoint",
            reason: "line 3: expected a topic, a partition and an offset")
        #expect(throws: word) { try OffsetCheckpoint.read(.highWatermark, in: "/data", disk) }
    }

    @Test("Case A17: names of topics and of partition directories")
    func names() throws {
        for good in ["a", "a.b_c-D9", "__consumer_offsets", "...", String(repeating: "x", count: 249)] {
            #expect(TopicName.problem(good) == nil)
            let name = PartitionDirectoryName(topic: good, partition: PartitionIndex(7))
            #expect(PartitionDirectoryName("\(name)") == name)
        }
        for bad in ["", ".", "..", "a/b", "a%2f", "a\0b", "ä", "a b", String(repeating: "x", count: 250)] {
            #expect(TopicName.problem(bad) != nil)
            #expect(PartitionDirectoryName("\(bad)-0") == nil)
        }
        for bad in [
            "orders", "orders-", "-1", "orders-1x", "orders-01", "orders-99999999999", "orders--1x", "lost+found",
        ] {
            #expect(PartitionDirectoryName(bad) == nil)
        }
        let nested = try #require(PartitionDirectoryName("foo-1-0"))
        #expect(nested.topic == "foo-1" && nested.partition == PartitionIndex(0))
    }

    @Test("Case A17: a directory set aside fits into a file name, whatever the topic's length")
    func asideNames() throws {
        let unique = try #require(id)
        for topic in ["orders", String(repeating: "x", count: 249)] {
            for kind in [PartitionDirectoryName.Kind.deleted, .stray, .future] {
                let name = PartitionDirectoryName(topic: topic, partition: PartitionIndex(12)).asided(kind, id: unique)
                #expect("\(name)".utf8.count <= 255)
                #expect(PartitionDirectoryName("\(name)") == name)
            }
        }
        #expect(
            "\(PartitionDirectoryName(topic: "t", partition: PartitionIndex(0)).asided(.stray, id: unique))"
                == "t-0.27c6803dc7cb42dd9baacd494ffacc81-stray")
    }

    @Test("Snapshot names: twenty digits of end offset, ten of epoch")
    func snapshotNames() {
        let name = SnapshotFileName(endOffset: Offset(5214), epoch: LeaderEpoch(7))
        #expect("\(name)" == "00000000000000005214-0000000007.checkpoint")
        #expect(SnapshotFileName("\(name)") == name)
        #expect(SnapshotFileName("00000000000000005214-0000000007.checkpoint.part")?.stage == .partial)
        #expect(SnapshotFileName("bootstrap.checkpoint") == nil)
        #expect(SnapshotFileName("5214-7.checkpoint") == nil)
    }

    @Test("A scan finds the partitions; a stray one is renamed, never removed")
    func scan() throws {
        let directory = LogDirectory(path: "/data", files: disk)
        let topic = try #require(id)
        for name in [
            "orders-0", "orders-1", "__cluster_metadata-0", "lost+found",
            "old-3.27c6803dc7cb42dd9baacd494ffacc81-delete",
        ] {
            try disk.createDirectory("/data/" + name)
        }
        try PartitionMetadataFile.write(topic, in: "/data/orders-0", disk)
        let found = try directory.partitions()
        #expect(
            found.map { "\($0.name)" } == [
                "old-3.27c6803dc7cb42dd9baacd494ffacc81-delete", "orders-0", "orders-1",
            ])
        #expect(found.map(\.topicID) == [nil, topic, nil])
        #expect(found[0].name.kind == .deleted)
        let path = try directory.setAside(found[2].name, as: .stray, id: topic)
        #expect(disk.exists(path))
        #expect(try directory.partitions().map(\.name.kind) == [.deleted, .current, .stray])
        try directory.remove(found[0].path)
        #expect(!disk.exists(found[0].path))
    }
}
