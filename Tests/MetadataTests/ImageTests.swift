import Metadata
import Primitives
import Testing
import WireMessages

@Suite("Image of the metadata")
struct ImageTests {
    @Test("A snapshot's records make the same image, and the same records again")
    func snapshot() throws {
        let image = try Samples.image()
        let provenance = MetadataImage.Provenance(end: Offset(40), epoch: LeaderEpoch(2))
        var restored = try MetadataImage(records: image.snapshotRecords, provenance: provenance)
        #expect(restored.snapshotRecords == image.snapshotRecords)
        #expect(restored.provenance == provenance)
        restored.provenance = image.provenance
        #expect(restored == image)
    }

    @Test("A snapshot begins with the metadata version, and its order does not depend on that of the records")
    func snapshotOrder() throws {
        let image = try Samples.image()
        #expect(image.snapshotRecords.first == Samples.feature("metadata.version", 29))
        var reordered = Samples.cluster
        reordered.swapAt(3, 5)
        reordered.swapAt(0, 12)
        #expect(try Samples.image(reordered).snapshotRecords == image.snapshotRecords)
    }

    @Test("A partition change keeps what it does not name and raises the partition epoch")
    func partitionChange() throws {
        var image = try Samples.image()
        try image.replay(Samples.change(Samples.orders, 0) { $0.isr = [BrokerID(1), BrokerID(2)] })
        let partition = try #require(image.topics[TopicPartitionID(Samples.orders, PartitionIndex(0))])
        #expect(partition.isr == [BrokerID(1), BrokerID(2)])
        #expect(partition.replicas == [BrokerID(1), BrokerID(2), BrokerID(3)])
        #expect(partition.leader == BrokerID(1))
        #expect(partition.leaderEpoch == LeaderEpoch(0))
        #expect(partition.partitionEpoch == PartitionEpoch(1))
    }

    @Test("A change that names a leader, or nobody, raises the leader epoch")
    func leaderChange() throws {
        var image = try Samples.image()
        try image.replay(Samples.change(Samples.orders, 0) { $0.leader = BrokerID(2) })
        try image.replay(Samples.change(Samples.orders, 0) { $0.leader = PartitionChangeRecord.noLeader })
        let partition = try #require(image.topics[TopicPartitionID(Samples.orders, PartitionIndex(0))])
        #expect(partition.leader == nil)
        #expect(partition.leaderEpoch == LeaderEpoch(2))
    }

    @Test("A deleted topic takes its configuration along, and its name is free")
    func deletion() throws {
        var image = try Samples.image()
        var removal = RemoveTopicRecord()
        removal.topicID = Samples.orders
        try image.replay(.removeTopic(removal))
        #expect(image.topics[name: "orders"] == nil)
        #expect(image.configs[.topic("orders")].isEmpty)
        try image.replay(Samples.topic("orders", TopicID(high: 1, low: 3)))
        #expect(image.topics.id(of: "orders") == TopicID(high: 1, low: 3))
    }

    @Test("Records that do not fit are refused with what is wrong")
    func misfits() throws {
        var image = try Samples.image()
        let unknown = TopicID(high: 7, low: 7)
        #expect(throws: MetadataError.unknownTopic(unknown)) { try image.replay(Samples.partition(unknown, 0)) }
        #expect(throws: MetadataError.partitionOutOfOrder(Samples.orders, PartitionIndex(5))) {
            try image.replay(Samples.partition(Samples.orders, 5))
        }
        #expect(throws: MetadataError.topicExists(name: "orders", unknown)) {
            try image.replay(Samples.topic("orders", unknown))
        }
        #expect(throws: MetadataError.invalidTopicName("a/b")) { try image.replay(Samples.topic("a/b", unknown)) }
        var change = BrokerRegistrationChangeRecord()
        change.brokerID = BrokerID(1)
        change.brokerEpoch = BrokerEpoch(4)
        #expect(throws: MetadataError.staleBrokerEpoch(BrokerID(1), BrokerEpoch(4))) {
            try image.replay(.brokerRegistrationChange(change))
        }
    }

    @Test("A copy does not see what is replayed later")
    func copies() throws {
        var image = try Samples.image()
        let before = image
        try image.replay(Samples.change(Samples.orders, 0) { $0.leader = BrokerID(2) })
        #expect(before != image)
        #expect(before == (try Samples.image()))
    }
}

@Suite("Delta of the metadata")
struct DeltaTests {
    @Test("It names what changed, in order")
    func changes() throws {
        var image = try Samples.image()
        var delta = MetadataDelta()
        #expect(delta.isEmpty)
        try image.replay(Samples.change(Samples.orders, 1) { $0.leader = BrokerID(3) }, noting: &delta)
        try image.replay(Samples.change(Samples.orders, 0) { $0.leader = BrokerID(2) }, noting: &delta)
        try image.replay(Samples.broker(4, epoch: 50), noting: &delta)
        #expect(delta.changedPartitions.map(\.index) == [PartitionIndex(0), PartitionIndex(1)])
        #expect(delta.changedTopics == [Samples.orders])
        #expect(delta.changedBrokers == [BrokerID(4)])
        #expect(delta.deletedTopics.isEmpty)
    }

    @Test("A deleted topic is among the deleted, and nowhere else")
    func deletion() throws {
        var image = try Samples.image()
        var delta = MetadataDelta()
        try image.replay(Samples.change(Samples.orders, 0) { $0.leader = BrokerID(2) }, noting: &delta)
        var removal = RemoveTopicRecord()
        removal.topicID = Samples.orders
        try image.replay(.removeTopic(removal), noting: &delta)
        #expect(delta.changedPartitions.isEmpty)
        #expect(delta.deletedTopics.map(\.name) == ["orders"])
    }

    @Test("Between two images it is what the records between them would have noted")
    func difference() throws {
        let old = try Samples.image()
        var new = old
        var noted = MetadataDelta()
        try new.replay(Samples.change(Samples.orders, 1) { $0.leader = BrokerID(3) }, noting: &noted)
        try new.replay(Samples.config("payments", "retention.ms", "5"), noting: &noted)
        let found = MetadataDelta(from: old, to: new)
        #expect(found.changedPartitions == noted.changedPartitions)
        #expect(found.changedTopics == noted.changedTopics)
        #expect(found.changedConfigs == noted.changedConfigs)
        #expect(found.changedBrokers.isEmpty)
    }
}

@Suite("Topic names")
struct TopicNameTests {
    @Test(
        "Kafka's rule for names",
        arguments: [
            ("", false), (".", false), ("..", false), ("a/b", false), ("a%2f", false), ("a\u{0}b", false), ("ü", false),
            ("a b", false), ("a.b_c-9", true), ("__consumer_offsets", true), (String(repeating: "x", count: 249), true),
            (String(repeating: "x", count: 250), false), ("__cluster_metadata", false),
        ])
    func validity(_ name: String, _ isValid: Bool) {
        #expect(TopicName.isValid(name) == isValid)
    }
}
